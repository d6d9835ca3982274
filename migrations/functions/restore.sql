-- Undo: restores a key, or the keys with a prefix, to an earlier moment (docs/sql.md). The changes in between stay in the history.
-- SQLSTATE PE008: the keys have changed since the plan.

-- The keys of [range_start, range_end) whose value or lease differs from that moment; range_end null: to the end of the key space. A lease
-- that no longer exists cannot be attached again and counts as none. Reads views only, so that auditors may call it.
create or replace function pgetcd.restore_rows(at_revision bigint, range_start bytea, range_end bytea)
    returns table (key bytea, old_value bytea, old_mod_revision bigint, old_create_revision bigint, old_version bigint,
        new_value bytea, new_mod_revision bigint, lease bigint, lost_lease bigint)
    language plpgsql stable set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    first_entry bytea   := substr(range_start, 1, 1024);
    last_entry  bytea   := coalesce(substr(range_end, 1, 1024), pgetcd.highest());
    archive_too boolean := at_revision < (select s.compact_revision from pgetcd.status s);
begin
    perform pgetcd.check_revision(at_revision);
    return query
        select c.key, n.value, n.mod_revision, n.create_revision, n.version,
            o.value, o.mod_revision, coalesce(l.id, 0), case when l.id is null then coalesce(o.lease, 0) else 0 end
        from (
            select distinct h.key from pgetcd.history h
            where (archive_too or not h.archived) and h.mod_revision > at_revision
                and substr(h.key, 1, 1024) >= first_entry and substr(h.key, 1, 1024) <= last_entry
                and h.key >= range_start and (range_end is null or h.key < range_end)) c
        left join lateral (
            select h.tombstone, h.value, h.mod_revision, h.lease from pgetcd.history h
            where (archive_too or not h.archived) and substr(h.key, 1, 1024) = substr(c.key, 1, 1024) and h.key = c.key
                and h.mod_revision <= at_revision
            order by h.mod_revision desc, h.sub desc limit 1) o on not o.tombstone
        left join lateral (
            select h.tombstone, h.value, h.mod_revision, h.create_revision, h.version, h.lease from pgetcd.history h
            where not h.archived and substr(h.key, 1, 1024) = substr(c.key, 1, 1024) and h.key = c.key
            order by h.mod_revision desc, h.sub desc limit 1) n on not n.tombstone
        left join pgetcd.active_leases l on l.id = o.lease
        where o.value is distinct from n.value or (n.mod_revision is not null and coalesce(l.id, 0) <> n.lease)
        order by c.key;
end
$$;

-- Restores the range in one revision and returns that revision, or null if nothing differs.
-- unchanged_since: fails if a key of the range has changed after that revision; null: no such check.
create or replace function pgetcd.restore_range(range_start bytea, range_end bytea, at_revision bigint, unchanged_since bigint,
        request text) returns bigint language plpgsql volatile set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan set enable_seqscan = off set jit = off as $$
declare
    state    record;
    later    record;
    any_put  boolean;
    drawn    bigint;
    ignored  text;
begin
    if range_start is null then
        raise exception 'no key or prefix is given' using errcode = 'null_value_not_allowed';
    elsif range_start = '' and request = 'restore_key' then
        raise exception 'etcdserver: key is not provided' using errcode = 'PE004';
    end if;
    state := pgetcd.enter_log(false);
    if unchanged_since is not null then
        perform pgetcd.check_revision(unchanged_since);
        -- Removal takes away tombstones below the mark, and with them the evidence that a key has changed.
        if unchanged_since < (select c.compact_revision from pgetcd.cluster c) then
            raise exception 'the store has been compacted since revision %', unchanged_since using errcode = 'PE008';
        end if;
        select r.key, r.revision into later from pgetcd.revisions r
            where r.revision > unchanged_since
                and substr(r.key, 1, 1024) >= substr(range_start, 1, 1024)
                and substr(r.key, 1, 1024) <= coalesce(substr(range_end, 1, 1024), pgetcd.highest())
                and r.key >= range_start and (range_end is null or r.key < range_end)
            order by r.revision limit 1;
        if found then
            raise exception 'the keys have changed since revision %', unchanged_since using errcode = 'PE008',
                detail = format('Key %s changed at revision %s.', coalesce(pgetcd.as_text(later.key), later.key::text), later.revision);
        end if;
    end if;
    with restored as (
        insert into pgetcd.revisions
                (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
            select state.head + 1, row_number() over (order by p.key) - 1, p.key, p.new_value,
                case when p.new_value is null then 0 else coalesce(p.old_create_revision, state.head + 1) end,
                case when p.new_value is null then 0 else coalesce(p.old_version, 0) + 1 end,
                case when p.new_value is null then 0 else p.lease end,
                state.now_at, session_user, pgetcd.sql_client(request), pgetcd.sql_frontend()
            from pgetcd.restore_rows(at_revision, range_start, range_end) p
            returning value)
        select bool_or(r.value is not null) into any_put from restored r;
    if any_put is null then
        return null;
    end if;
    drawn := nextval('pgetcd.revision_seq');
    if any_put then
        -- Fails under alarms that forbid puts.
        state := pgetcd.enter_log(true);
    end if;
    ignored := pg_notify('pgetcd', pgetcd.sql_frontend());
    return drawn;
end
$$;

-- The functions for readers: the changes that a restore would make.

create or replace function pgetcd.plan_restore(range_start bytea, range_end bytea, at_revision bigint)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.key, pgetcd.as_text(p.key),
        case when p.old_mod_revision is null then 'create' when p.new_mod_revision is null then 'delete' else 'update' end,
        p.old_value, pgetcd.as_text(p.old_value), p.old_mod_revision,
        p.new_value, pgetcd.as_text(p.new_value), p.new_mod_revision, p.lease, p.lost_lease
    from pgetcd.restore_rows(at_revision, range_start, range_end) p;
end;

create or replace function pgetcd.plan_restore_key(wanted_key bytea, at_revision bigint)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore(wanted_key, wanted_key || '\x00'::bytea, at_revision) p;
end;
create or replace function pgetcd.plan_restore_key(wanted_key text, at_revision bigint)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore_key(convert_to(wanted_key, 'UTF8'), at_revision) p;
end;
create or replace function pgetcd.plan_restore_key(wanted_key bytea, at_time timestamptz)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore_key(wanted_key, pgetcd.revision_at(at_time)) p;
end;
create or replace function pgetcd.plan_restore_key(wanted_key text, at_time timestamptz)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore_key(convert_to(wanted_key, 'UTF8'), pgetcd.revision_at(at_time)) p;
end;
create or replace function pgetcd.plan_restore_prefix(prefix bytea, at_revision bigint)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore(prefix, pgetcd.prefix_end(prefix), at_revision) p;
end;
create or replace function pgetcd.plan_restore_prefix(prefix text, at_revision bigint)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore_prefix(convert_to(prefix, 'UTF8'), at_revision) p;
end;
create or replace function pgetcd.plan_restore_prefix(prefix bytea, at_time timestamptz)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore_prefix(prefix, pgetcd.revision_at(at_time)) p;
end;
create or replace function pgetcd.plan_restore_prefix(prefix text, at_time timestamptz)
    returns setof pgetcd.key_restore language sql stable begin atomic
    select p.* from pgetcd.plan_restore_prefix(convert_to(prefix, 'UTF8'), pgetcd.revision_at(at_time)) p;
end;

-- The functions for writers. They run with their owner's rights, as those of writes.sql do.

create or replace function pgetcd.restore_key(wanted_key bytea, at_revision bigint, unchanged_since bigint default null) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return pgetcd.restore_range($1, $1 || '\x00'::bytea, $2, $3, 'restore_key');
end
$$;
create or replace function pgetcd.restore_key(wanted_key text, at_revision bigint, unchanged_since bigint default null) returns bigint
    language sql volatile return pgetcd.restore_key(convert_to($1, 'UTF8'), $2, $3);
create or replace function pgetcd.restore_key(wanted_key bytea, at_time timestamptz, unchanged_since bigint default null) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return pgetcd.restore_range($1, $1 || '\x00'::bytea, pgetcd.revision_at($2), $3, 'restore_key');
end
$$;
create or replace function pgetcd.restore_key(wanted_key text, at_time timestamptz, unchanged_since bigint default null) returns bigint
    language sql volatile return pgetcd.restore_key(convert_to($1, 'UTF8'), $2, $3);
create or replace function pgetcd.restore_prefix(prefix bytea, at_revision bigint, unchanged_since bigint default null) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return pgetcd.restore_range($1, pgetcd.prefix_end($1), $2, $3, 'restore_prefix');
end
$$;
create or replace function pgetcd.restore_prefix(prefix text, at_revision bigint, unchanged_since bigint default null) returns bigint
    language sql volatile return pgetcd.restore_prefix(convert_to($1, 'UTF8'), $2, $3);
create or replace function pgetcd.restore_prefix(prefix bytea, at_time timestamptz, unchanged_since bigint default null) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return pgetcd.restore_range($1, pgetcd.prefix_end($1), pgetcd.revision_at($2), $3, 'restore_prefix');
end
$$;
create or replace function pgetcd.restore_prefix(prefix text, at_time timestamptz, unchanged_since bigint default null) returns bigint
    language sql volatile return pgetcd.restore_prefix(convert_to($1, 'UTF8'), $2, $3);

revoke execute on function pgetcd.restore_key(bytea, bigint, bigint), pgetcd.restore_key(bytea, timestamptz, bigint),
    pgetcd.restore_prefix(bytea, bigint, bigint), pgetcd.restore_prefix(bytea, timestamptz, bigint) from public;
