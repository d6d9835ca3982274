-- While the table of leases is empty, the planner prefers a scan to looking ids up, and a prepared statement keeps that plan while the
-- table grows. All functions that look up several ids therefore have scans and hashes off, and JIT too: a plan that cannot avoid what is
-- off is costed as very expensive, and would be compiled.

-- Grants leases, unless an alarm forbids it, and returns a row for each, in order. outcome: -1 if granted, now or before with the same
-- token; 0 if the id is taken; otherwise the alarms. head: the end of the log, at least as new as all writes acknowledged before the call.
create or replace function pgetcd.grant_leases(lease_ids bigint[], seconds bigint[], tokens uuid[])
    returns table (outcome integer, head bigint) language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
    state record;
begin
    if 0 = any (lease_ids) or 0 >= any (seconds) then
        raise exception 'a lease id must not be 0, and a TTL must be positive' using errcode = 'invalid_parameter_value';
    end if;
    select (c.alarms & (pgetcd.nospace_alarm() | pgetcd.corrupt_alarm()))::integer as refusing,
            greatest(c.base_revision, (select max(r.revision) from pgetcd.revisions r)) as head
        into state from pgetcd.cluster c;
    if state.refusing = 0 then
        -- In order of ids, or two calls with the same ids could wait for each other.
        insert into pgetcd.leases (id, ttl, expires_at, grant_token)
            select g.id, g.ttl, clock_timestamp() + make_interval(secs => g.ttl::double precision), g.token
            from unnest(lease_ids, seconds, tokens) as g (id, ttl, token) order by g.id
            on conflict (id) do nothing;
    end if;
    return query select case when l.id is null then state.refusing else -1 end, state.head
        from unnest(lease_ids, tokens) with ordinality as g (id, token, n)
        left join pgetcd.leases l on l.id = g.id and l.grant_token = g.token
        order by g.n;
end
$$;

-- Renews leases. Returns the TTL of each that exists, or null if it has expired and awaits its revocation. The first row, with the id 0,
-- has the end of the log in place of a TTL. A renewal lasts half a second longer than promised: some clients send keep-alives in quick
-- succession, and one for a lease whose expiry still covers a full TTL costs a read but no commit.
create or replace function pgetcd.keep_alive(ids bigint[]) returns table (id bigint, ttl bigint) language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
begin
    return query with renewed as (
            update pgetcd.leases l set expires_at = clock_timestamp() + make_interval(secs => l.ttl + 0.5)
            where l.id = any (keep_alive.ids) and l.expires_at > clock_timestamp()
                and l.expires_at < statement_timestamp() + make_interval(secs => l.ttl)
            returning l.id, l.ttl
        )
        select 0::bigint, greatest(c.base_revision, (select max(r.revision) from pgetcd.revisions r)) from pgetcd.cluster c
        union all
        select r.id, r.ttl from renewed r
        union all
        select l.id, case when l.expires_at >= statement_timestamp() + make_interval(secs => l.ttl) then l.ttl end
        from pgetcd.leases l where l.id = any (keep_alive.ids) and l.id not in (select r.id from renewed r);
end
$$;

-- The given leases that do not exist; null if all do.
create or replace function pgetcd.missing_leases(ids bigint[]) returns bigint[] language sql stable
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
    select array_agg(needed) from unnest(ids) needed where not exists (select from pgetcd.leases l where l.id = needed)
$$;

create or replace function pgetcd.forget_leases(ids bigint[]) returns void language sql volatile
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
    delete from pgetcd.leases l where l.id = any (ids)
$$;

-- The leases that had expired at the leader's last heartbeat, in order of expiry; only the leader gets any.
-- Such a lease is never renewed: not by a keep-alive, which compares with the present time, nor by renew_leases, which skips it. It may
-- therefore be revoked at any later time.
-- renew_due: renew_leases must run first; until then no lease counts as expired.
create or replace function pgetcd.expired_leases(member_run text, most integer)
    returns table (renew_due boolean, id bigint) language sql volatile
    set search_path = pg_catalog, pg_temp as $$
    select l.renew_after is not null, over.id
        from pgetcd.leader l left join lateral (
            select e.id from pgetcd.leases e where e.expires_at <= l.ticked_at and l.renew_after is null
            order by e.expires_at limit most) over on true
        where l.holder = member_run
$$;

-- Gives a full TTL to all leases that were alive when the database went away. Returns their number; null if no renewal is due.
create or replace function pgetcd.renew_leases(member_run text) returns bigint language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
declare
    after   timestamptz;
    renewed bigint;
begin
    select l.renew_after into after from pgetcd.leader l where l.holder = member_run;
    if after is null then
        return null;
    end if;
    -- Keep-alives update many rows in a different order; without the lock the two could wait for each other.
    lock table pgetcd.leases in share row exclusive mode;
    update pgetcd.leases set expires_at = greatest(expires_at, clock_timestamp() + make_interval(secs => ttl))
        where expires_at > after;
    get diagnostics renewed = row_count;
    update pgetcd.leader set renew_after = null where holder = member_run;
    return renewed;
end
$$;

revoke execute on function pgetcd.grant_leases(bigint[], bigint[], uuid[]), pgetcd.keep_alive(bigint[]), pgetcd.renew_leases(text)
    from public;
