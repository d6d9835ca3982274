-- The size of the schema on disk, and how much of it is in use, in bytes. Only main forks count: the free-space and visibility maps that a
-- vacuum adds to each table are not the store's. in_use leaves out what an empty store has: up to two pages for each table, index and
-- sequence. The log is sampled on 64 evenly spread pages, so the cost does not grow with the store: space left free there by removal, and
-- rows that are dead but not yet vacuumed, are room for new rows. The archive only grows and the other tables are small: they count in
-- full.
create or replace function pgetcd.storage_size(out total bigint, out in_use bigint) language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set jit = off as $$
declare
    log_table regclass := format('%I.%I', 'pgetcd', 'revisions')::regclass;
    page_size bigint   := current_setting('block_size')::bigint;
    log_total bigint;
    pages     bigint   := pg_relation_size(log_table) / page_size;
    looked    integer  := least(pages, 64);
    sampled   bigint   := 0;
    page      bigint;
    first     tid;
    beyond    tid;
    bytes     bigint;
begin
    select coalesce(sum(part.bytes), 0), coalesce(sum(part.bytes) filter (where part.is_log), 0),
            coalesce(sum(greatest(0, part.bytes - 2 * page_size)) filter (where not part.is_log), 0)
        into total, log_total, in_use
        from (
            select pg_relation_size(parts.oid) as bytes, c.oid = log_table as is_log
            from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral (
                select c.oid
                union all select c.reltoastrelid where c.reltoastrelid <> 0
                union all select i.indexrelid from pg_index i where i.indrelid in (c.oid, c.reltoastrelid)) parts
            where n.nspname = 'pgetcd' and c.relkind in ('r', 'S')) part;
    for n in 0 .. looked - 1 loop
        page := n * pages / looked;
        first := format('(%s,0)', page)::tid;
        beyond := format('(%s,0)', page + 1)::tid;
        -- 140: the header and line pointer of a row, its columns of fixed size, and an entry in each of two indexes.
        select sum(140 + pg_column_size(r.key) + coalesce(pg_column_size(r.value), 0) + coalesce(pg_column_size(r.username), 0)
                + coalesce(pg_column_size(r.client), 0) + pg_column_size(r.frontend) + least(octet_length(r.key), 1024))
            into bytes from pgetcd.revisions r where r.ctid >= first and r.ctid < beyond;
        sampled := sampled + coalesce(bytes, 0);
    end loop;
    in_use := in_use + least(log_total, sampled * pages / greatest(looked, 1));
end
$$;
