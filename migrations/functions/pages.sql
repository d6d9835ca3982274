-- Pages of the past (docs/sql.md). The cost is proportional to the page, not to the keys with the prefix or their versions. A page that is
-- not complete by the time `until` ends there, and names the key to continue from.

-- Walks the index by key: returns the newest rows of keys from range_start on, as of a revision, at most `most` of them. Deleted keys are
-- left out. With after_revision, only changes after it count, deletions included.
-- A walk that has read most_rows rows, or is not done by the time `until`, ends with a row that has the key to continue from and no
-- mod_revision.
-- All steps share one plan, with rows in the order of the index: many older versions of a key are skipped by starting a new scan.
create or replace function pgetcd.walk_at(
    at_revision bigint, range_start bytea, range_end bytea, most integer, most_rows integer default null,
    until timestamptz default 'infinity', wanted bytea default null, in_values boolean default false, after_revision bigint default null)
    returns table (key bytea, value bytea, create_revision bigint, mod_revision bigint, version bigint, lease bigint, tombstone boolean)
    language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
#variable_conflict use_column
declare
    next_entry   bytea   := substr(range_start, 1, 1024);
    last_entry   bytea   := coalesce(substr(range_end, 1, 1024), pgetcd.highest());
    above        bigint  := coalesce(after_revision, 0);
    archive_too  boolean := coalesce(after_revision, at_revision) < (select s.compact_revision from pgetcd.status s);
    scan         refcursor;
    found_row    record;
    last_key     bytea;
    older        integer;       -- older versions of last_key that were read
    looked       integer := 0;
    next_look    integer := 128;  -- rows after which the clock is read again
    given        integer := 0;
    is_scanning  boolean := false;
begin
    perform pgetcd.check_revision(at_revision);
    <<walk>>
    while next_entry is not null and given < most loop
        if archive_too then
            open scan for select h.key, h.value, h.create_revision, h.mod_revision, h.version, h.lease, h.tombstone from pgetcd.history h
                where h.mod_revision <= at_revision and h.mod_revision > above
                    and substr(h.key, 1, 1024) >= next_entry and substr(h.key, 1, 1024) <= last_entry
                    and h.key >= range_start and (range_end is null or h.key < range_end)
                order by substr(h.key, 1, 1024), h.mod_revision desc, h.sub desc;
        else
            open scan for select h.key, h.value, h.create_revision, h.mod_revision, h.version, h.lease, h.tombstone from pgetcd.history h
                where not h.archived and h.mod_revision <= at_revision and h.mod_revision > above
                    and substr(h.key, 1, 1024) >= next_entry and substr(h.key, 1, 1024) <= last_entry
                    and h.key >= range_start and (range_end is null or h.key < range_end)
                order by substr(h.key, 1, 1024), h.mod_revision desc, h.sub desc;
        end if;
        is_scanning := true;
        next_entry := null;
        last_key := null;
        loop
            fetch scan into found_row;
            exit when not found;
            looked := looked + 1;
            if found_row.key = last_key then
                older := older + 1;
                if older = 8 then
                    next_entry := last_key || '\x00';
                    exit;
                end if;
                continue;
            end if;
            if looked > most_rows or (looked >= next_look and clock_timestamp() > until) then
                return query select found_row.key, null::bytea, null::bigint, null::bigint, null::bigint, null::bigint, null::boolean;
                exit walk;
            elsif looked >= next_look then
                next_look := looked + 128;
            end if;
            if octet_length(found_row.key) >= 1024 then
                -- Long keys may share an index entry, and are not ordered within it.
                for found_row in
                    select distinct on (h.key) h.key, h.value, h.create_revision, h.mod_revision, h.version, h.lease, h.tombstone
                    from pgetcd.history h
                    where (archive_too or not h.archived) and h.mod_revision <= at_revision and h.mod_revision > above
                        and substr(h.key, 1, 1024) = substr(found_row.key, 1, 1024)
                        and h.key >= range_start and (range_end is null or h.key < range_end)
                    order by h.key, h.mod_revision desc, h.sub desc
                loop
                    looked := looked + 1;
                    last_key := found_row.key;
                    if (after_revision is not null or not found_row.tombstone) and (wanted is null
                        or position(wanted in found_row.key) > 0 or (in_values and position(wanted in found_row.value) > 0))
                    then
                        return query select found_row.key, found_row.value, found_row.create_revision, found_row.mod_revision,
                            found_row.version, found_row.lease, found_row.tombstone;
                        given := given + 1;
                        exit walk when given = most;
                    end if;
                end loop;
                next_entry := pgetcd.prefix_end(substr(last_key, 1, 1024));
                exit;
            end if;
            last_key := found_row.key;
            older := 0;
            if (after_revision is not null or not found_row.tombstone) and (wanted is null
                or position(wanted in found_row.key) > 0 or (in_values and position(wanted in found_row.value) > 0))
            then
                key := found_row.key;
                value := found_row.value;
                create_revision := found_row.create_revision;
                mod_revision := found_row.mod_revision;
                version := found_row.version;
                lease := found_row.lease;
                tombstone := found_row.tombstone;
                return next;
                given := given + 1;
                exit walk when given = most;
            end if;
        end loop;
        close scan;
        is_scanning := false;
    end loop;
    if is_scanning then
        close scan;
    end if;
end
$$;

-- A page of level_at. The keys below each entry are counted up to count_to, or a tenth of it if the page has more than 20 entries; is_exact
-- is false if there are more, or counting takes too long. A page that is not complete by the time `until` ends with a row that has the
-- entry to continue from and no is_key.
create or replace function pgetcd.level_page(
    at_revision bigint, prefix bytea, separator bytea, from_entry bytea, most integer, count_to integer, until timestamptz)
    returns table (entry bytea, is_key boolean, keys bigint, is_exact boolean)
    language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    next_key  bytea   := greatest(prefix, from_entry);
    level_end bytea   := pgetcd.prefix_end(prefix);
    entries   bytea[] := '{}';
    starts    bytea[] := '{}';  -- the first key below each entry
    branches  boolean[] := '{}';
    found_row record;
    place     integer;
    rest      bytea;
begin
    perform pgetcd.check_revision(at_revision);
    while next_key is not null and cardinality(entries) < most loop
        select w.key, w.mod_revision into found_row from pgetcd.walk_at(at_revision, next_key, level_end, 1, null, until) w;
        exit when not found;
        if found_row.mod_revision is null then
            rest := found_row.key;
            exit;
        end if;
        starts := starts || found_row.key;
        place := case when separator = '' then 0 else position(separator in substr(found_row.key, octet_length(prefix) + 1)) end;
        if place = 0 then
            entries := entries || found_row.key;
            branches := branches || false;
            next_key := found_row.key || '\x00';
        else
            entries := entries || substr(found_row.key, 1, octet_length(prefix) + place + octet_length(separator) - 1);
            branches := branches || true;
            next_key := pgetcd.prefix_end(entries[cardinality(entries)]);
        end if;
    end loop;
    if cardinality(entries) > 20 then
        count_to := greatest(count_to / 10, 1);
    end if;
    for n in 1 .. cardinality(entries) loop
        entry := entries[n];
        is_key := not branches[n];
        keys := 1;
        is_exact := true;
        if branches[n] then
            -- Deleted keys and older versions cost as much as keys that count.
            select least(count(w.mod_revision), count_to), count(w.mod_revision) = count(*) and count(*) <= count_to
                into keys, is_exact
                from pgetcd.walk_at(at_revision, starts[n], pgetcd.prefix_end(entry), count_to + 1, count_to * 4 + 100, until) w;
        end if;
        return next;
    end loop;
    if rest is not null then
        return query select rest, null::boolean, null::bigint, null::boolean;
    end if;
end
$$;

-- A page of search_at, from a first key on. A walk finds a text that many keys contain; if the walk has found too few by the time
-- `until`, the rest of the range is read in one query.
create or replace function pgetcd.search_page(
    at_revision bigint, prefix bytea, wanted bytea, in_values boolean, first_key bytea, most integer, until timestamptz)
    returns table (key bytea, value bytea, create_revision bigint, mod_revision bigint, version bigint, lease bigint)
    language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    range_end bytea   := pgetcd.prefix_end(prefix);
    given     integer := 0;
    found_row record;
begin
    for found_row in
        select w.* from pgetcd.walk_at(
            at_revision, greatest(prefix, first_key), range_end, most, null, until, wanted, in_values) w
    loop
        if found_row.mod_revision is null then
            return query select r.key, r.value, r.create_revision, r.mod_revision, r.version, r.lease
                from pgetcd.search_rows(at_revision, found_row.key, range_end, wanted, in_values, most - given) r;
            return;
        end if;
        given := given + 1;
        return query select found_row.key, found_row.value, found_row.create_revision, found_row.mod_revision, found_row.version,
            found_row.lease;
    end loop;
end
$$;

-- The keys that differ between two revisions, from the rows between them. A key whose first change there has version 1 did not exist
-- before.
create or replace function pgetcd.changed_keys(from_revision bigint, to_revision bigint, range_start bytea, range_end bytea)
    returns table (key bytea, change text) language plpgsql stable
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    archive_too boolean := from_revision < (select s.compact_revision from pgetcd.status s);
begin
    return query
        select c.key, case when c.earliest[3] = 1 then 'create' when c.latest[4] = 1 then 'delete' else 'update' end from (
            select h.key, min(array[h.mod_revision, h.sub, h.version, h.tombstone::integer]) as earliest,
                max(array[h.mod_revision, h.sub, h.version, h.tombstone::integer]) as latest
            from pgetcd.history h
            where (archive_too or not h.archived) and h.mod_revision > from_revision and h.mod_revision <= to_revision
                and h.key >= range_start and (range_end is null or h.key < range_end)
            group by h.key) c
        where c.earliest[3] <> 1 or c.latest[4] = 0;
end
$$;

-- Whether at most `few` rows lie between two revisions.
create or replace function pgetcd.few_changes(from_revision bigint, to_revision bigint, few integer) returns boolean
    language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
    set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
    archive_too boolean := from_revision < (select s.compact_revision from pgetcd.status s);
begin
    perform pgetcd.check_revisions(from_revision, to_revision);
    return (select count(*) <= few from (
        select from pgetcd.history h
        where (archive_too or not h.archived) and h.mod_revision > from_revision and h.mod_revision <= to_revision limit few + 1) c);
end
$$;

-- A page of diff, from a first key on: from the rows between the revisions if these are few, or else by a walk of the keys. A page that is
-- not complete by the time `until` ends with a row that has the key to continue from and no change.
create or replace function pgetcd.difference_page(
    from_revision bigint, to_revision bigint, prefix bytea, first_key bytea default '', most integer default 100,
    until timestamptz default 'infinity', few integer default 20000)
    returns table (key bytea, change text, old_value bytea, old_mod_revision bigint, new_value bytea, new_mod_revision bigint)
    language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
#variable_conflict use_column
declare
    next_key    bytea   := greatest(prefix, first_key);
    last_key    bytea   := pgetcd.prefix_end(prefix);
    archive_too boolean := from_revision < (select s.compact_revision from pgetcd.status s);
    passed      integer := 0;
    given       integer := 0;
    found_row   record;
    old_row     record;
begin
    if pgetcd.few_changes(from_revision, to_revision, few) then
        return query
            select c.key,
                case when o.mod_revision is null then 'create' when n.mod_revision is null then 'delete' else 'update' end,
                o.value, o.mod_revision, n.value, n.mod_revision
            from (select d.* from pgetcd.changed_keys(from_revision, to_revision, next_key, last_key) d order by d.key limit most) c
            left join lateral pgetcd.row_at(from_revision, c.key) o on true
            left join lateral pgetcd.row_at(to_revision, c.key) n on true
            order by c.key;
        return;
    end if;
    while next_key is not null and given < most loop
        key := next_key;
        next_key := null;
        for found_row in
            select w.* from pgetcd.walk_at(to_revision, key, last_key, most - given, null, until, after_revision => from_revision) w
        loop
            key := found_row.key;
            passed := passed + 1;
            if found_row.mod_revision is null or (passed % 128 = 0 and clock_timestamp() > until) then
                return query select found_row.key, null::text, null::bytea, null::bigint, null::bytea, null::bigint;
                return;
            end if;
            next_key := key || '\x00';
            -- row_at, without the cost of a call.
            if archive_too then
                select h.tombstone, h.value, h.mod_revision into old_row from pgetcd.history h
                    where substr(h.key, 1, 1024) = substr(found_row.key, 1, 1024) and h.key = found_row.key
                        and h.mod_revision <= from_revision
                    order by h.mod_revision desc, h.sub desc limit 1;
            else
                select h.tombstone, h.value, h.mod_revision into old_row from pgetcd.history h
                    where not h.archived and substr(h.key, 1, 1024) = substr(found_row.key, 1, 1024) and h.key = found_row.key
                        and h.mod_revision <= from_revision
                    order by h.mod_revision desc, h.sub desc limit 1;
            end if;
            if coalesce(old_row.tombstone, true) then
                continue when found_row.tombstone;
                change := 'create';
                old_value := null;
                old_mod_revision := null;
            else
                change := case when found_row.tombstone then 'delete' else 'update' end;
                old_value := old_row.value;
                old_mod_revision := old_row.mod_revision;
            end if;
            new_value := found_row.value;
            new_mod_revision := case when not found_row.tombstone then found_row.mod_revision end;
            return next;
            given := given + 1;
        end loop;
    end loop;
end
$$;

-- The number of keys that differ, by kind of change. If many rows lie between the two revisions, only the first `most` keys are counted,
-- and only until the time `until`; is_exact tells whether these are all.
create or replace function pgetcd.count_differences(
    from_revision bigint, to_revision bigint, prefix bytea, most integer default 1000, until timestamptz default 'infinity',
    few integer default 20000)
    returns table (change text, keys bigint, is_exact boolean) language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    if pgetcd.few_changes(from_revision, to_revision, few) then
        return query select d.change, count(*), true
            from pgetcd.changed_keys(from_revision, to_revision, prefix, pgetcd.prefix_end(prefix)) d group by d.change;
        return;
    end if;
    return query
        with page as materialized (
            select d.key, d.change from pgetcd.difference_page(from_revision, to_revision, prefix, '', most + 1, until, few) d)
        select d.change, count(*), (select count(*) <= most and bool_and(p.change is not null) from page p)
        from (select p.change from page p where p.change is not null order by p.key limit most) d group by d.change;
end
$$;
