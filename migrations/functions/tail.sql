-- The rows after a revision. Stable, so that both queries read one snapshot. Scans are off, as the planner would prefer one for an empty
-- table, and a prepared statement keeps that plan while the table grows.
create or replace function pgetcd.tail(after bigint) returns setof pgetcd.log_answer
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
begin
    return query select 'tail', c.base_revision, c.compact_revision, c.auth_revision,
        null::bigint[], null::bigint, null::integer, null::bytea, null::bytea, null::bigint, null::bigint, null::bigint, c.alarms
        from pgetcd.cluster c where c.one;
    return query select null, null::bigint, null::bigint, null::bigint, null::bigint[],
        r.revision, r.sub, r.key, r.value, r.create_revision, r.version, r.lease, null::smallint
        from pgetcd.revisions r where r.revision > tail.after order by r.revision, r.sub;
end
$$;
