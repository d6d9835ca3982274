-- Moves the compaction mark (semantics.md §6). Rows below it go later, in the background (removal.sql).
-- Repeated with the same token it succeeds again: so a frontend asks whose connection died. A compaction changes data too, so
-- it is refused while the store is said to be corrupt.
-- Outcome: compacted, already (at or below the mark), future or corrupt.
create or replace function pgetcd.compact(
    at_revision bigint,
    token       uuid default gen_random_uuid(),
    by_user     text default null,
    by_client   text default null,
    by_frontend text default null
) returns table (outcome text, head bigint, compact_revision bigint) language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    state pgetcd.cluster;
begin
    perform pgetcd.lock_log();
    select c.* into state from pgetcd.cluster c;
    select greatest(max(r.revision), state.base_revision) into head from pgetcd.revisions r;
    compact_revision := state.compact_revision;
    if state.alarms & pgetcd.corrupt_alarm() <> 0 then
        outcome := 'corrupt';
    elsif at_revision = state.compact_revision and compact.token = state.compact_token then
        outcome := 'compacted';
    elsif at_revision <= state.compact_revision then
        outcome := 'already';
    elsif at_revision > head then
        outcome := 'future';
    else
        update pgetcd.cluster set compact_revision = at_revision, compact_token = compact.token;
        update pgetcd.compactions c set username = coalesce(by_user, c.username), client = by_client, frontend = by_frontend
            where c.compact_revision = at_revision and c.frontend is null;
        perform pg_notify('pgetcd', head::text);
        outcome := 'compacted';
        compact_revision := at_revision;
    end if;
    return next;
end
$$;

revoke execute on function pgetcd.compact(bigint, uuid, text, text, text) from public;

-- Records every move of the mark. By a trigger: so no way of moving it is left out.
create or replace function pgetcd.record_compaction() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into pgetcd.compactions (compact_revision) values (new.compact_revision);
    return null;
end
$$;
-- Made once, as making it again would hold up the frontends' heartbeats.
do $$
begin
    if not exists (select from pg_trigger t where t.tgrelid = 'pgetcd.cluster'::regclass and t.tgname = 'record_compaction') then
        create trigger record_compaction after update of compact_revision on pgetcd.cluster
            for each row when (new.compact_revision > old.compact_revision) execute function pgetcd.record_compaction();
    end if;
end
$$;
