-- The heartbeat of a frontend: registers it, takes the leadership if that is free or renews it, and lists the live members, in one
-- round trip. There is at least one row, even if no member is alive.
-- member_revision: the revision of the frontend's state.
-- joined: whether the id is the caller's. It is not while another run sends heartbeats under it; held_at is the last of these.
-- leads: the caller is the leader for leader_limit from now.
create or replace function pgetcd.beat(
    member_id          bigint,
    member_run         text,
    member_name        text,
    member_client_urls text[],
    member_peer_urls   text[],
    member_revision    bigint
) returns table (joined boolean, held_at timestamptz, leads boolean,
        id bigint, name text, client_urls text[], peer_urls text[], is_leader boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    replaced_after  constant interval := '1.5 seconds';  -- an id whose run has been silent for this long may be taken by another run
    outage          constant interval := '5 seconds';    -- after a longer time without a leader, leases are renewed
    forgotten_after constant interval := '1 minute';
    now_at timestamptz := clock_timestamp();
    state  pgetcd.leader;
begin
    insert into pgetcd.members as m
        values (member_id, member_run, member_name, member_client_urls, member_peer_urls, now_at, now_at,
            (select greatest(0, max(r.revision) - member_revision) from pgetcd.revisions r))
        on conflict (id) do update set run = excluded.run, name = excluded.name, client_urls = excluded.client_urls,
                peer_urls = excluded.peer_urls, heartbeat_at = excluded.heartbeat_at, behind = excluded.behind,
                started_at = case m.run when excluded.run then m.started_at else excluded.started_at end
            where m.run = excluded.run or m.heartbeat_at < now_at - replaced_after;
    joined := found;

    select l.* into state from pgetcd.leader l
        where l.holder = member_run or l.expires_at <= clock_timestamp() for update;
    leads := found;
    if leads then
        now_at := clock_timestamp();  -- the select may have waited for the row
        -- Clients could not keep leases alive while the database was down or no frontend ran. A leader that died and was
        -- replaced within seconds is no such case, nor is a store that has never had a leader.
        if state.ticked_at > '-infinity' and (state.ticked_at < now_at - outage
                or state.postmaster_start is distinct from pg_postmaster_start_time()) then
            state.renew_after := coalesce(state.renew_after, state.ticked_at);
        end if;
        update pgetcd.leader set holder = member_run, since = case when state.holder = member_run then state.since else now_at end,
            expires_at = now_at + pgetcd.leader_limit(), ticked_at = now_at,
            postmaster_start = pg_postmaster_start_time(), renew_after = state.renew_after;
        delete from pgetcd.members m where m.id in (
            select old.id from pgetcd.members old
            where old.heartbeat_at < now_at - forgotten_after for update skip locked);
    else
        -- A heartbeat may be lost in a crash, so there is no need to wait for the disk.
        perform set_config('synchronous_commit', 'off', true);
    end if;

    -- A new frontend is counted before it loads the state, so it misses no notification that it needs; it also polls.
    update pgetcd.cluster c set frontends = alive.n
        from (select count(*)::integer as n from pgetcd.members m where m.heartbeat_at > clock_timestamp() - pgetcd.member_limit()) alive
        where c.frontends <> alive.n;

    return query select joined, (select m.heartbeat_at from pgetcd.members m where m.id = member_id), leads,
            m.id, m.name, m.client_urls, m.peer_urls, m.run = l.holder and l.expires_at > clock_timestamp()
        from pgetcd.leader l left join pgetcd.members m on m.heartbeat_at > clock_timestamp() - pgetcd.member_limit();
end
$$;

-- Hands the leadership to another member, if the caller leads and the other is alive. Returns the time, or null if not. The other
-- leads for leader_limit; it learns that with its next heartbeat.
create or replace function pgetcd.hand_over(member_run text, target bigint) returns timestamptz language sql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
    update pgetcd.leader l set holder = m.run, since = clock_timestamp(), expires_at = clock_timestamp() + pgetcd.leader_limit()
        from pgetcd.members m
        where m.id = target and m.heartbeat_at > clock_timestamp() - pgetcd.member_limit() and l.holder in (member_run, m.run)
        returning clock_timestamp()
$$;

-- Removes a frontend from the members and gives up its leadership, at once.
create or replace function pgetcd.leave(member_run text) returns void language sql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
    delete from pgetcd.members m where m.run = member_run;
    update pgetcd.leader l set holder = null, expires_at = '-infinity' where l.holder = member_run;
$$;

-- Removes a member that is no longer alive. is_known: the member existed. is_removed: false for a live member.
create or replace function pgetcd.remove_dead(member_id bigint, out is_known boolean, out is_removed boolean) language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from pgetcd.members m where m.id = member_id and m.heartbeat_at <= clock_timestamp() - pgetcd.member_limit();
    is_removed := found;
    is_known := is_removed or exists (select from pgetcd.members m where m.id = member_id);
end
$$;

-- Records the target version of a downgrade; null cancels it. Returns whether anything changed: a downgrade under way keeps its target.
create or replace function pgetcd.set_downgrade(target text) returns boolean language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
begin
    update pgetcd.cluster c set downgrade_target = target where (c.downgrade_target is null) = (target is not null);
    return found;
end
$$;

revoke execute on function pgetcd.beat(bigint, text, text, text[], text[], bigint), pgetcd.hand_over(text, bigint), pgetcd.leave(text),
    pgetcd.remove_dead(bigint), pgetcd.set_downgrade(text) from public;
