-- Moves the compaction mark (semantics.md §6). Rows below it are removed later, in the background (removal.sql).
-- A call repeated with the same token succeeds again, so a frontend whose connection died learns the outcome by repeating it. As a
-- compaction changes data, it is refused while the corrupt alarm is raised.
-- outcome: compacted, already (at or below the mark), future or corrupt.
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
        -- HashKV at revision 0 means the present, so a compaction at 0 keeps no hash.
        insert into pgetcd.compaction_hashes (compact_revision, previous_revision)
            select at_revision, state.compact_revision where at_revision > 0;
        delete from pgetcd.compaction_hashes h where h.compact_revision not in (
            select k.compact_revision from pgetcd.compaction_hashes k order by k.compact_revision desc limit 10);
        perform pg_notify('pgetcd', head::text);
        outcome := 'compacted';
        compact_revision := at_revision;
    end if;
    return next;
end
$$;

-- Stores the hash that a compaction wants, once. computed null: it cannot be computed and is no longer wanted.
create or replace function pgetcd.keep_compaction_hash(at_revision bigint, computed bigint) returns void language sql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
    update pgetcd.compaction_hashes h set hash = computed where h.compact_revision = at_revision and h.hash is null;
    delete from pgetcd.compaction_hashes h where h.compact_revision = at_revision and h.hash is null;
$$;

revoke execute on function pgetcd.compact(bigint, uuid, text, text, text), pgetcd.keep_compaction_hash(bigint, bigint) from public;

-- Records every move of the mark. A trigger misses no way of moving it.
create or replace function pgetcd.record_compaction() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into pgetcd.compactions (compact_revision) values (new.compact_revision);
    return null;
end
$$;
-- Created only once, as creating it again would hold up the frontends' heartbeats.
do $$
begin
    if not exists (select from pg_trigger t where t.tgrelid = 'pgetcd.cluster'::regclass and t.tgname = 'record_compaction') then
        create trigger record_compaction after update of compact_revision on pgetcd.cluster
            for each row when (new.compact_revision > old.compact_revision) execute function pgetcd.record_compaction();
    end if;
end
$$;
