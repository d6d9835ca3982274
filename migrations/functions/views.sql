-- The history and the state of the store for SQL readers (design §9, docs/sql.md). Views read with their owner's rights, and the
-- functions read views only, so that a role can be given the history and not the tables.

-- The column client of the tables holds the address, # and the name of the request (docs/decisions/0016).
create or replace view pgetcd.all_revisions as
    select r.revision, r.sub, r.key, r.value, r.tombstone, r.create_revision, r.version, r.lease,
        r.committed_at, r.username, nullif(split_part(r.client, '#', 1), '') as client,
        nullif(split_part(r.client, '#', 2), '') as request, r.frontend, false as archived
    from pgetcd.revisions r
    union all
    select a.revision, a.sub, a.key, a.value, a.tombstone, a.create_revision, a.version, a.lease,
        a.committed_at, a.username, nullif(split_part(a.client, '#', 1), ''),
        nullif(split_part(a.client, '#', 2), ''), a.frontend, true
    from pgetcd.revisions_archive a;

-- Every change that is still kept, with the value that it replaced; null if there was none, or it is no longer kept.
-- If the replaced row was removed without being archived, an older row may remain, which must not be mistaken for it.
create or replace view pgetcd.history as
    select r.key, pgetcd.as_text(r.key) as key_text, r.revision as mod_revision, r.sub,
        case when r.tombstone then 'delete' when r.version = 1 then 'create' else 'update' end as change,
        r.value, pgetcd.as_text(r.value) as value_text, r.tombstone, r.create_revision, r.version, r.lease,
        case when r.version <> 1 then (
            select p.value from pgetcd.all_revisions p
            where substr(p.key, 1, 1024) = substr(r.key, 1, 1024) and p.key = r.key
                and (p.revision, p.sub) < (r.revision, r.sub)
                and case when r.tombstone then r.revision > (select m.kept_revision from pgetcd.removal m)
                    else p.version = r.version - 1 and p.create_revision = r.create_revision end
            order by p.revision desc, p.sub desc limit 1) end as prev_value,
        case when r.version <> 1 then (
            select p.revision from pgetcd.all_revisions p
            where substr(p.key, 1, 1024) = substr(r.key, 1, 1024) and p.key = r.key
                and (p.revision, p.sub) < (r.revision, r.sub)
                and case when r.tombstone then r.revision > (select m.kept_revision from pgetcd.removal m)
                    else p.version = r.version - 1 and p.create_revision = r.create_revision end
            order by p.revision desc, p.sub desc limit 1) end as prev_mod_revision,
        r.committed_at, r.username, r.client, r.request, r.frontend, r.archived
    from pgetcd.all_revisions r;

-- create_revision, mod_revision and version as etcd shows them.
create or replace view pgetcd.current_state as
    select r.key, pgetcd.as_text(r.key) as key_text, r.value, pgetcd.as_text(r.value) as value_text,
        r.create_revision, r.revision as mod_revision, r.version, r.lease
    from (
        select distinct on (key) key, revision, sub, tombstone
        from pgetcd.revisions
        order by key, revision desc, sub desc
    ) newest
    join pgetcd.revisions r using (revision, sub)
    where not newest.tombstone;

-- An expired lease stays until the leader has revoked it, with a negative expires_in.
create or replace view pgetcd.active_leases as
    select l.id, to_hex(l.id) as id_hex, l.ttl, l.expires_at, l.expires_at - clock_timestamp() as expires_in
    from pgetcd.leases l;

create or replace view pgetcd.lease_keys as
    select s.lease, to_hex(s.lease) as lease_hex, s.key, s.key_text, s.mod_revision
    from pgetcd.current_state s where s.lease <> 0;

create or replace view pgetcd.active_members as
    select to_hex(m.id) as id, m.name, m.client_urls, m.peer_urls, m.run as frontend, m.started_at, m.heartbeat_at,
        m.run = l.holder and l.expires_at > clock_timestamp() as is_leader,
        case when m.run = l.holder and l.expires_at > clock_timestamp() then l.since end as leader_since, m.behind
    from pgetcd.members m cross join pgetcd.leader l
    where m.heartbeat_at > clock_timestamp() - pgetcd.member_limit();

create or replace view pgetcd.auth_status as
    select c.auth_enabled as enabled, c.auth_shown_revision as auth_revision from pgetcd.cluster c;

create or replace view pgetcd.auth_accounts as
    select u.name, coalesce(octet_length(u.password), 0) > 0 as has_password,
        array(select r.role from pgetcd.auth_user_roles r where r.username = u.name order by r.role) as roles
    from pgetcd.auth_users u;

-- The permissions of each role. range_end null: a single key; a zero byte: all keys from key on.
create or replace view pgetcd.auth_grants as
    select r.name as role, (array['READ', 'WRITE', 'READWRITE'])[p.kind + 1] as permission,
        p.key, pgetcd.as_text(p.key) as key_text,
        nullif(p.range_end, '') as range_end, pgetcd.as_text(nullif(p.range_end, '')) as range_end_text
    from pgetcd.auth_roles r left join pgetcd.auth_permissions p on p.role = r.name;

create or replace view pgetcd.auth_changes as
    select a.at, a.action, a.username, a.client, a.frontend, a.subject, a.auth_revision from pgetcd.auth_audit a;

-- The changes of a key, of the keys with a prefix, or by a user, oldest first.
create or replace function pgetcd.key_history(wanted_key bytea) returns setof pgetcd.history language sql stable begin atomic
    select h.* from pgetcd.history h
    where substr(h.key, 1, 1024) = substr(wanted_key, 1, 1024) and h.key = wanted_key
    order by h.mod_revision, h.sub;
end;
create or replace function pgetcd.key_history(wanted_key text) returns setof pgetcd.history language sql stable begin atomic
    select h.* from pgetcd.key_history(convert_to(wanted_key, 'UTF8')) h;
end;
create or replace function pgetcd.prefix_history(prefix bytea) returns setof pgetcd.history language sql stable begin atomic
    select h.* from pgetcd.history h
    where substr(h.key, 1, 1024) >= substr(prefix, 1, 1024) and substr(h.key, 1, 1024) <= substr(prefix || pgetcd.highest(), 1, 1024)
        and substr(h.key, 1, octet_length(prefix)) = prefix
    order by h.mod_revision, h.sub;
end;
create or replace function pgetcd.prefix_history(prefix text) returns setof pgetcd.history language sql stable begin atomic
    select h.* from pgetcd.prefix_history(convert_to(prefix, 'UTF8')) h;
end;
create or replace function pgetcd.changes_by(who text, since timestamptz default '-infinity', until timestamptz default 'infinity')
    returns setof pgetcd.history language sql stable begin atomic
    select h.* from pgetcd.history h
    where h.username = who and h.committed_at >= since and h.committed_at < until
    order by h.mod_revision, h.sub;
end;

-- The changes that are kept, newest first: of a prefix, by a user, from an address, of a request, from `since` until before `until`.
-- before_revision and before_sub: the last change of the previous page.
create or replace function pgetcd.changes(
    prefix bytea default '', by_user text default null, from_client text default null, of_request text default null,
    since timestamptz default null, until timestamptz default null,
    before_revision bigint default null, before_sub integer default null, most integer default 100)
    returns setof pgetcd.history language plpgsql stable
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    first_entry   bytea  := substr(prefix, 1, 1024);
    last_entry    bytea  := substr(prefix || pgetcd.highest(), 1, 1024);
    all_keys      boolean := prefix = '';
    -- All changes of a revision have one time, so bounds by time are bounds by revision.
    after_revision bigint := case when since is null then 0 else pgetcd.revision_at(since - interval '1 microsecond') end;
begin
    if before_revision is null then
        before_revision := 9223372036854775807;
    end if;
    if all_keys then
        return query select h.* from pgetcd.history h
            where h.mod_revision > after_revision and h.mod_revision <= before_revision
                and (h.mod_revision, h.sub) < (before_revision, coalesce(before_sub, 2147483647))
                and (until is null or h.committed_at < until)
                and (by_user is null or h.username = by_user)
                and (from_client is null or position(from_client in h.client) > 0)
                and (of_request is null or h.request = of_request)
            order by h.mod_revision desc, h.sub desc limit most;
    else
        return query select h.* from pgetcd.history h
            where substr(h.key, 1, 1024) >= first_entry and substr(h.key, 1, 1024) <= last_entry
                and substr(h.key, 1, octet_length(prefix)) = prefix
                and h.mod_revision > after_revision and h.mod_revision <= before_revision
                and (h.mod_revision, h.sub) < (before_revision, coalesce(before_sub, 2147483647))
                and (until is null or h.committed_at < until)
                and (by_user is null or h.username = by_user)
                and (from_client is null or position(from_client in h.client) > 0)
                and (of_request is null or h.request = of_request)
            order by h.mod_revision desc, h.sub desc limit most;
    end if;
end
$$;
