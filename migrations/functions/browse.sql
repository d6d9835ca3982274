-- Browsing the store and its past (docs/sql.md). As in past.sql, the cost is proportional to the rows read and their history; the functions
-- in pages.sql stop when a page is full.

-- The time of a revision, which is the time of the last change up to it; null where that is no longer kept.
create or replace function pgetcd.time_of(at_revision bigint) returns timestamptz language plpgsql stable
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
begin
    return (select h.committed_at from pgetcd.history h where h.mod_revision <= at_revision
        order by h.mod_revision desc, h.sub desc limit 1);
end
$$;

-- As rows_at, but with the sizes of the values, so that a level with many keys does not read their values.
create or replace function pgetcd.sizes_at(at_revision bigint, range_start bytea, range_end bytea)
    returns table (key bytea, value_size integer, create_revision bigint, mod_revision bigint, version bigint, lease bigint)
    language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set jit = off as $$
#variable_conflict use_column
declare
    first_entry bytea   := substr(range_start, 1, 1024);
    last_entry  bytea   := coalesce(substr(range_end, 1, 1024), pgetcd.highest());
    archive_too boolean := at_revision < (select s.compact_revision from pgetcd.status s);
begin
    perform pgetcd.check_revision(at_revision);
    return query select n.key, octet_length(n.value), n.create_revision, n.mod_revision, n.version, n.lease from (
            select distinct on (h.key) h.* from pgetcd.history h
            where (archive_too or not h.archived) and h.mod_revision <= at_revision
                and substr(h.key, 1, 1024) >= first_entry and substr(h.key, 1, 1024) <= last_entry
                and h.key >= range_start and (range_end is null or h.key < range_end)
            order by h.key, h.mod_revision desc, h.sub desc) n
        where not n.tombstone;
end
$$;

-- One level of the tree into which a separator divides the keys: the keys with the prefix and no separator after it, and the
-- longer prefixes up to their next separator, with the number of keys below each. With an empty separator, keys only.
-- from_entry: where the page begins; the next page begins with the entry after the last one.
create or replace function pgetcd.level_at(
    at_revision bigint, prefix bytea, separator bytea default '/', from_entry bytea default '', most integer default 1000)
    returns table (entry bytea, entry_text text, is_key boolean, keys bigint) language sql stable
    set search_path = pg_catalog, pg_temp as $$
    select e.entry, pgetcd.as_text(e.entry), e.is_key, e.keys from (
        select case when p.place = 0 then r.key
                else substr(r.key, 1, octet_length(prefix) + p.place + octet_length(separator) - 1) end as entry,
            p.place = 0 as is_key, count(*) as keys
        from pgetcd.sizes_at(at_revision, greatest(prefix, from_entry), pgetcd.prefix_end(prefix)) r
        cross join lateral (select case when separator = '' then 0
            else position(separator in substr(r.key, octet_length(prefix) + 1)) end as place) p
        group by 1, 2 order by 1, 2 desc limit most) e
$$;

-- The keys with a prefix that contain a text in the key or, with in_values, in the value. Few rows usually do, so they are found first.
create or replace function pgetcd.search_rows(
    at_revision bigint, range_start bytea, range_end bytea, wanted bytea, in_values boolean, most integer)
    returns table (key bytea, value bytea, create_revision bigint, mod_revision bigint, version bigint, lease bigint, sub integer)
    language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set jit = off as $$
#variable_conflict use_column
declare
    first_entry bytea   := substr(range_start, 1, 1024);
    last_entry  bytea   := coalesce(substr(range_end, 1, 1024), pgetcd.highest());
    archive_too boolean := at_revision < (select s.compact_revision from pgetcd.status s);
begin
    perform pgetcd.check_revision(at_revision);
    return query
        select n.key, n.value, n.create_revision, n.mod_revision, n.version, n.lease, n.sub from (
            select distinct h.key from pgetcd.history h
            where (archive_too or not h.archived) and h.mod_revision <= at_revision
                and substr(h.key, 1, 1024) >= first_entry and substr(h.key, 1, 1024) <= last_entry
                and h.key >= range_start and (range_end is null or h.key < range_end)
                and (position(wanted in h.key) > 0 or (in_values and position(wanted in h.value) > 0))
            order by h.key) c
        cross join lateral pgetcd.row_at(at_revision, c.key) n
        where position(wanted in n.key) > 0 or (in_values and position(wanted in n.value) > 0)
        order by c.key limit most;
end
$$;

create or replace function pgetcd.search_at(at_revision bigint, prefix bytea, wanted bytea, in_values boolean default false)
    returns setof pgetcd.key_state language sql stable set search_path = pg_catalog, pg_temp as $$
    select r.key, pgetcd.as_text(r.key), r.value, pgetcd.as_text(r.value),
        r.create_revision, r.mod_revision, r.version, r.lease, r.sub
    from pgetcd.search_rows(at_revision, prefix, pgetcd.prefix_end(prefix), wanted, in_values, null) r
$$;
