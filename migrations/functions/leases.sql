-- The leases that are over, the first to expire first; only the leader is told.
-- Over means: expired when the leader last beat. Such a lease is never renewed again: not by a keep-alive, which
-- asks for the present time, nor by renew_leases, which passes it by. So it may be revoked, however late.
-- renew_due: leases must be renewed before any may be called over.
create or replace function pgetcd.expired_leases(member_run text, most integer)
    returns table (renew_due boolean, id bigint) language sql volatile
    set search_path = pg_catalog, pg_temp as $$
    select l.renew_after is not null, over.id
        from pgetcd.leader l left join lateral (
            select e.id from pgetcd.leases e where e.expires_at <= l.ticked_at and l.renew_after is null
            order by e.expires_at limit most) over on true
        where l.holder = member_run
$$;

-- Gives all leases a full TTL that were alive when the database went away. Returns how many; null if none are due.
create or replace function pgetcd.renew_leases(member_run text) returns bigint language plpgsql volatile
    set search_path = pg_catalog, pg_temp as $$
declare
    after   timestamptz;
    renewed bigint;
begin
    select l.renew_after into after from pgetcd.leader l where l.holder = member_run;
    if after is null then
        return null;
    end if;
    -- Keep-alives update many rows in an order of their own: without the lock the two could wait for each other.
    lock table pgetcd.leases in share row exclusive mode;
    update pgetcd.leases set expires_at = greatest(expires_at, clock_timestamp() + make_interval(secs => ttl))
        where expires_at > after;
    get diagnostics renewed = row_count;
    update pgetcd.leader set renew_after = null where holder = member_run;
    return renewed;
end
$$;
