-- Who is there, and who does what only one may do (design §7, §10). Times are this database's only.

create table pgetcd.members (
    id           bigint      primary key,  -- the member id, its 64 bits as a signed number
    run          text        not null,     -- the process behind it; a restart is another one
    name         text        not null,
    client_urls  text[]      not null,
    peer_urls    text[]      not null,
    started_at   timestamptz not null,
    heartbeat_at timestamptz not null
) with (fillfactor = 50);  -- heartbeats stay on their page

-- One row. Whoever holds it runs the jobs, until it expires.
create table pgetcd.leader (
    one              boolean     primary key default true check (one),
    holder           text,                                      -- a member's run
    expires_at       timestamptz not null default '-infinity',
    ticked_at        timestamptz not null default '-infinity',  -- the last beat of a leader, whoever it was
    postmaster_start timestamptz,                               -- of the PostgreSQL that this beat reached
    renew_after      timestamptz                                -- set: leases that were alive then are due a full TTL
) with (fillfactor = 50);
insert into pgetcd.leader default values;

-- With an index on expires_at no renewal would be a heap-only update. Only the leader looks for expired leases, twice
-- a second, and a scan of the table costs less than that index (docs/decisions/0006).
drop index pgetcd.leases_by_expiry;

-- One frontend's beat: registers it, takes or renews the leadership if that is free, and tells who is alive, in one
-- round trip. Its first row is there even if nobody is alive.
-- joined: the id is ours. It is not while another run beats under it; held_at is that run's last beat.
-- leads: the leadership is ours for two seconds from now.
create function pgetcd.beat(
    member_id          bigint,
    member_run         text,
    member_name        text,
    member_client_urls text[],
    member_peer_urls   text[]
) returns table (joined boolean, held_at timestamptz, leads boolean,
        id bigint, name text, client_urls text[], peer_urls text[], is_leader boolean)
    language plpgsql volatile as $$
#variable_conflict use_column
declare
    now_at timestamptz := clock_timestamp();
    state  pgetcd.leader;
begin
    insert into pgetcd.members as m
        values (member_id, member_run, member_name, member_client_urls, member_peer_urls, now_at, now_at)
        on conflict (id) do update set run = excluded.run, name = excluded.name, client_urls = excluded.client_urls,
                peer_urls = excluded.peer_urls, heartbeat_at = excluded.heartbeat_at,
                started_at = case m.run when excluded.run then m.started_at else excluded.started_at end
            where m.run = excluded.run or m.heartbeat_at < now_at - interval '1.5 seconds';
    joined := found;

    select l.* into state from pgetcd.leader l
        where l.holder = member_run or l.expires_at <= clock_timestamp() for update;
    leads := found;
    if leads then
        now_at := clock_timestamp();  -- we may have waited for the row
        -- Nobody could keep a lease alive while the database was away, nor was anybody there to notice while no
        -- frontend was. A leader that died and was followed by another within seconds is no such case.
        -- Nor is a store in which no frontend has led yet.
        if state.ticked_at > '-infinity' and (state.ticked_at < now_at - interval '5 seconds'
                or state.postmaster_start is distinct from pg_postmaster_start_time()) then
            state.renew_after := coalesce(state.renew_after, state.ticked_at);
        end if;
        update pgetcd.leader set holder = member_run, expires_at = now_at + interval '2 seconds', ticked_at = now_at,
            postmaster_start = pg_postmaster_start_time(), renew_after = state.renew_after;
        delete from pgetcd.members m where m.id in (
            select old.id from pgetcd.members old
            where old.heartbeat_at < now_at - interval '1 minute' for update skip locked);
    else
        -- A heartbeat that is lost in a crash is not missed: no need to wait for the disk.
        perform set_config('synchronous_commit', 'off', true);
    end if;

    -- Whoever joins is counted before it loads the state, so it misses no notification that it needs; it polls besides.
    update pgetcd.cluster c set frontends = alive.n
        from (select count(*)::integer as n from pgetcd.members m where m.heartbeat_at > clock_timestamp() - interval '3 seconds') alive
        where c.frontends <> alive.n;

    return query select joined, (select m.heartbeat_at from pgetcd.members m where m.id = member_id), leads,
            m.id, m.name, m.client_urls, m.peer_urls, m.run = l.holder and l.expires_at > clock_timestamp()
        from pgetcd.leader l left join pgetcd.members m on m.heartbeat_at > clock_timestamp() - interval '3 seconds';
end
$$;

-- The leases that are over, the first to expire first; only the leader is told.
-- Over means: expired when the leader last beat. What is over is never renewed again: not by a keep-alive, which asks
-- for the present time, nor by renew_leases, which passes by what was over before. So it may be revoked, however late.
-- renew_due: leases must be renewed before any may be called over.
create function pgetcd.expired_leases(member_run text, most integer)
    returns table (renew_due boolean, id bigint) language sql volatile as $$
    select l.renew_after is not null, over.id
        from pgetcd.leader l left join lateral (
            select e.id from pgetcd.leases e where e.expires_at <= l.ticked_at and l.renew_after is null
            order by e.expires_at limit most) over on true
        where l.holder = member_run
$$;

-- Gives all leases a full TTL that were alive when the database went away. Returns how many; null if none are due.
create function pgetcd.renew_leases(member_run text) returns bigint language plpgsql volatile as $$
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
