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
        -- Revision 0 would hide the hash of the present.
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


-- Notes the hash that a compaction wants, once; null: it cannot be computed, and is wanted no more.
create or replace function pgetcd.keep_compaction_hash(at_revision bigint, computed bigint) returns void language sql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
    update pgetcd.compaction_hashes h set hash = computed where h.compact_revision = at_revision and h.hash is null;
    delete from pgetcd.compaction_hashes h where h.compact_revision = at_revision and h.hash is null;
$$;

revoke execute on function pgetcd.compact(bigint, uuid, text, text, text), pgetcd.keep_compaction_hash(bigint, bigint) from public;

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
