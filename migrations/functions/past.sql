-- Past states, differences and histories for SQL readers (docs/sql.md). Functions of a key or a prefix use the index by key:
-- their cost is proportional to the rows found and their history, not to the table.
--
-- Our own SQLSTATEs: PE001 compacted, PE002 future; writes.sql has more.

create or replace function pgetcd.check_revision(at_revision bigint) returns void language plpgsql stable
    set search_path = pg_catalog, pg_temp as $$
declare
    state pgetcd.status;
begin
    select s.* into state from pgetcd.status s;
    if at_revision is null then
        raise exception 'no revision is given' using errcode = 'null_value_not_allowed';
    elsif at_revision > state.revision then
        raise exception 'etcdserver: mvcc: required revision is a future revision'
            using errcode = 'PE002', detail = format('Revision %s was requested, but the store is at %s.', at_revision, state.revision);
    elsif at_revision < state.oldest_revision then
        raise exception 'etcdserver: mvcc: required revision has been compacted'
            using errcode = 'PE001',
                detail = format('Revision %s is compacted and not in the archive; the oldest revision kept is %s.',
                at_revision, state.oldest_revision);
    end if;
end
$$;

-- The last revision at a time, found by binary search, as times never decrease. All steps share one plan: with an archive of many
-- partitions, planning costs more than a step.
create or replace function pgetcd.revision_at(at_time timestamptz) returns bigint language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
    state  pgetcd.status;
    below  bigint := 0;  -- not after the time
    above  bigint;       -- after it, or the end
    middle bigint;
    last   bigint := 1;
    in_log boolean;
    probe  record;
begin
    select s.* into state from pgetcd.status s;
    if at_time is null then
        raise exception 'no time is given' using errcode = 'null_value_not_allowed';
    elsif at_time > clock_timestamp() then
        raise exception 'etcdserver: mvcc: required revision is a future revision'
            using errcode = 'PE002', detail = format('%s is in the future.', at_time);
    end if;
    above := state.revision + 1;
    -- Everything from the compact revision on is in the log, and most queries are about it.
    select h.mod_revision, h.committed_at into probe from pgetcd.history h
        where not h.archived and h.mod_revision >= state.compact_revision order by h.mod_revision, h.sub limit 1;
    in_log := probe.committed_at <= at_time;
    if in_log then
        below := probe.mod_revision;
        last := below;
    elsif probe.mod_revision is not null then
        above := probe.mod_revision;
    end if;
    while above - below > 1 loop
        middle := (above + below) / 2;
        if in_log then
            select h.mod_revision, h.committed_at into probe from pgetcd.history h
                where not h.archived and h.mod_revision <= middle order by h.mod_revision desc, h.sub desc limit 1;
        else
            select h.mod_revision, h.committed_at into probe from pgetcd.history h
                where h.mod_revision <= middle order by h.mod_revision desc, h.sub desc limit 1;
        end if;
        if probe.committed_at > at_time then
            above := probe.mod_revision;
        else
            below := middle;
            last := coalesce(probe.mod_revision, last);
        end if;
    end loop;
    return last;
end
$$;

-- The keys of [range_start, range_end) at a revision; range_end null: to the end of the key space.
-- The best index depends on the range: a generic plan would read all of the log. A custom plan also leaves the archive out
-- when it is not needed: rows that are not superseded at the compact revision are in the log.
create or replace function pgetcd.rows_at(at_revision bigint, range_start bytea, range_end bytea)
    returns table (key bytea, value bytea, create_revision bigint, mod_revision bigint, version bigint, lease bigint, sub integer)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan set jit = off as $$
#variable_conflict use_column
declare
    first_entry bytea   := substr(range_start, 1, 1024);
    last_entry  bytea   := coalesce(substr(range_end, 1, 1024), pgetcd.highest());
    archive_too boolean := at_revision < (select s.compact_revision from pgetcd.status s);
begin
    perform pgetcd.check_revision(at_revision);
    return query select n.key, n.value, n.create_revision, n.mod_revision, n.version, n.lease, n.sub from (
            select distinct on (h.key) h.* from pgetcd.history h
            where (archive_too or not h.archived) and h.mod_revision <= at_revision
                and substr(h.key, 1, 1024) >= first_entry and substr(h.key, 1, 1024) <= last_entry
                and h.key >= range_start and (range_end is null or h.key < range_end)
            order by h.key, h.mod_revision desc, h.sub desc) n
        where not n.tombstone order by n.key;
end
$$;

create or replace function pgetcd.row_at(at_revision bigint, wanted_key bytea)
    returns table (key bytea, value bytea, create_revision bigint, mod_revision bigint, version bigint, lease bigint, sub integer)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
#variable_conflict use_column
begin
    perform pgetcd.check_revision(at_revision);
    if at_revision >= (select s.compact_revision from pgetcd.status s) then
        return query select n.key, n.value, n.create_revision, n.mod_revision, n.version, n.lease, n.sub from (
                select h.* from pgetcd.history h
                where not h.archived and substr(h.key, 1, 1024) = substr(wanted_key, 1, 1024) and h.key = wanted_key
                    and h.mod_revision <= at_revision
                order by h.mod_revision desc, h.sub desc limit 1) n
            where not n.tombstone;
    else
        return query select n.key, n.value, n.create_revision, n.mod_revision, n.version, n.lease, n.sub from (
                select h.* from pgetcd.history h
                where substr(h.key, 1, 1024) = substr(wanted_key, 1, 1024) and h.key = wanted_key
                    and h.mod_revision <= at_revision
                order by h.mod_revision desc, h.sub desc limit 1) n
            where not n.tombstone;
    end if;
end
$$;

create or replace function pgetcd.check_revisions(from_revision bigint, to_revision bigint) returns void language plpgsql stable
    set search_path = pg_catalog, pg_temp as $$
begin
    perform pgetcd.check_revision(from_revision);
    perform pgetcd.check_revision(to_revision);
    if from_revision > to_revision then
        raise exception 'a difference needs the earlier revision first, got % and %', from_revision, to_revision
            using errcode = 'invalid_parameter_value';
    end if;
end
$$;

-- The keys of a range that differ between two revisions.
create or replace function pgetcd.rows_between(from_revision bigint, to_revision bigint, range_start bytea, range_end bytea)
    returns table (key bytea, change text, old_value bytea, old_mod_revision bigint, new_value bytea, new_mod_revision bigint)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    first_entry bytea   := substr(range_start, 1, 1024);
    last_entry  bytea   := coalesce(substr(range_end, 1, 1024), pgetcd.highest());
    archive_too boolean := from_revision < (select s.compact_revision from pgetcd.status s);
begin
    perform pgetcd.check_revisions(from_revision, to_revision);
    return query
        select c.key,
            case when o.mod_revision is null then 'create' when n.mod_revision is null then 'delete' else 'update' end,
            o.value, o.mod_revision, n.value, n.mod_revision
        from (
            select distinct h.key from pgetcd.history h
            where (archive_too or not h.archived) and h.mod_revision > from_revision and h.mod_revision <= to_revision
                and substr(h.key, 1, 1024) >= first_entry and substr(h.key, 1, 1024) <= last_entry
                and h.key >= range_start and (range_end is null or h.key < range_end)) c
        left join lateral (
            select h.tombstone, h.value, h.mod_revision from pgetcd.history h
            where (archive_too or not h.archived) and substr(h.key, 1, 1024) = substr(c.key, 1, 1024) and h.key = c.key
                and h.mod_revision <= from_revision
            order by h.mod_revision desc, h.sub desc limit 1) o on not o.tombstone
        left join lateral (
            select h.tombstone, h.value, h.mod_revision from pgetcd.history h
            where (archive_too or not h.archived) and substr(h.key, 1, 1024) = substr(c.key, 1, 1024) and h.key = c.key
                and h.mod_revision <= to_revision
            order by h.mod_revision desc, h.sub desc limit 1) n on not n.tombstone
        where o.mod_revision is not null or n.mod_revision is not null
        order by c.key;
end
$$;

-- The functions for readers. Each has a form that takes keys and prefixes as text, and one that takes a time.
-- Each is a single query, so that the planner leaves out columns that are not requested.

create or replace function pgetcd.state_at(at_revision bigint, range_start bytea default '', range_end bytea default null)
    returns setof pgetcd.key_state language sql stable begin atomic
    select r.key, pgetcd.as_text(r.key), r.value, pgetcd.as_text(r.value),
        r.create_revision, r.mod_revision, r.version, r.lease, r.sub
    from pgetcd.rows_at(at_revision, range_start, range_end) r;
end;
create or replace function pgetcd.state_at(at_time timestamptz, range_start bytea default '', range_end bytea default null)
    returns setof pgetcd.key_state language sql stable begin atomic
    select s.* from pgetcd.state_at(pgetcd.revision_at(at_time), range_start, range_end) s;
end;

create or replace function pgetcd.prefix_at(at_revision bigint, prefix bytea) returns setof pgetcd.key_state
    language sql stable begin atomic
    select s.* from pgetcd.state_at(at_revision, prefix, pgetcd.prefix_end(prefix)) s;
end;
create or replace function pgetcd.prefix_at(at_revision bigint, prefix text) returns setof pgetcd.key_state language sql stable begin atomic
    select s.* from pgetcd.prefix_at(at_revision, convert_to(prefix, 'UTF8')) s;
end;
create or replace function pgetcd.prefix_at(at_time timestamptz, prefix bytea) returns setof pgetcd.key_state
    language sql stable begin atomic
    select s.* from pgetcd.prefix_at(pgetcd.revision_at(at_time), prefix) s;
end;
create or replace function pgetcd.prefix_at(at_time timestamptz, prefix text) returns setof pgetcd.key_state
    language sql stable begin atomic
    select s.* from pgetcd.prefix_at(pgetcd.revision_at(at_time), convert_to(prefix, 'UTF8')) s;
end;

create or replace function pgetcd.key_at(at_revision bigint, wanted_key bytea) returns setof pgetcd.key_state
    language sql stable begin atomic
    select r.key, pgetcd.as_text(r.key), r.value, pgetcd.as_text(r.value),
        r.create_revision, r.mod_revision, r.version, r.lease, r.sub
    from pgetcd.row_at(at_revision, wanted_key) r;
end;
create or replace function pgetcd.key_at(at_revision bigint, wanted_key text) returns setof pgetcd.key_state
    language sql stable begin atomic
    select s.* from pgetcd.key_at(at_revision, convert_to(wanted_key, 'UTF8')) s;
end;
create or replace function pgetcd.key_at(at_time timestamptz, wanted_key bytea) returns setof pgetcd.key_state
    language sql stable begin atomic
    select s.* from pgetcd.key_at(pgetcd.revision_at(at_time), wanted_key) s;
end;
create or replace function pgetcd.key_at(at_time timestamptz, wanted_key text) returns setof pgetcd.key_state
    language sql stable begin atomic
    select s.* from pgetcd.key_at(pgetcd.revision_at(at_time), convert_to(wanted_key, 'UTF8')) s;
end;

-- As it is now.
create or replace function pgetcd.get(wanted_key bytea) returns setof pgetcd.key_state language sql stable begin atomic
    select s.* from pgetcd.key_at((select t.revision from pgetcd.status t), wanted_key) s;
end;
create or replace function pgetcd.get(wanted_key text) returns setof pgetcd.key_state language sql stable begin atomic
    select s.* from pgetcd.get(convert_to(wanted_key, 'UTF8')) s;
end;
create or replace function pgetcd.get_prefix(prefix bytea) returns setof pgetcd.key_state language sql stable begin atomic
    select s.* from pgetcd.prefix_at((select t.revision from pgetcd.status t), prefix) s;
end;
create or replace function pgetcd.get_prefix(prefix text) returns setof pgetcd.key_state language sql stable begin atomic
    select s.* from pgetcd.get_prefix(convert_to(prefix, 'UTF8')) s;
end;

create or replace function pgetcd.diff(from_revision bigint, to_revision bigint, prefix bytea default '')
    returns setof pgetcd.key_difference language sql stable begin atomic
    select d.key, pgetcd.as_text(d.key), d.change, d.old_value, pgetcd.as_text(d.old_value), d.old_mod_revision,
        d.new_value, pgetcd.as_text(d.new_value), d.new_mod_revision
    from pgetcd.rows_between(from_revision, to_revision, prefix, pgetcd.prefix_end(prefix)) d;
end;
create or replace function pgetcd.diff(from_revision bigint, to_revision bigint, prefix text)
    returns setof pgetcd.key_difference language sql stable begin atomic
    select d.* from pgetcd.diff(from_revision, to_revision, convert_to(prefix, 'UTF8')) d;
end;
create or replace function pgetcd.diff(from_time timestamptz, to_time timestamptz, prefix bytea default '')
    returns setof pgetcd.key_difference language sql stable begin atomic
    select d.* from pgetcd.diff(pgetcd.revision_at(from_time), pgetcd.revision_at(to_time), prefix) d;
end;
create or replace function pgetcd.diff(from_time timestamptz, to_time timestamptz, prefix text)
    returns setof pgetcd.key_difference language sql stable begin atomic
    select d.* from pgetcd.diff(pgetcd.revision_at(from_time), pgetcd.revision_at(to_time), convert_to(prefix, 'UTF8')) d;
end;

-- The keys of [range_start, range_end) at a revision, for frontends: reads the log only, and does not check that the revision is
-- still kept. range_end null: to the end of the key space.
create or replace function pgetcd.range_at(at_revision bigint, range_start bytea default '', range_end bytea default null)
    returns table (key bytea, value bytea, create_revision bigint, mod_revision bigint, sub integer, version bigint, lease bigint)
    language sql stable begin atomic
    select r.key, r.value, r.create_revision, r.revision, r.sub, r.version, r.lease
    from (
        select distinct on (key) key, revision, sub, tombstone
        from pgetcd.revisions
        where substr(key, 1, 1024) >= substr(range_start, 1, 1024) and key >= range_start
            and (range_end is null or (substr(key, 1, 1024) <= substr(range_end, 1, 1024) and key < range_end))
            and revision <= at_revision
        order by key, revision desc, sub desc
    ) newest
    join pgetcd.revisions r using (revision, sub)
    where not newest.tombstone
    order by r.key;
end;
