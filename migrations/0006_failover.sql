-- A frontend that meets another PostgreSQL process than before (restarted, promoted, restored) asks whether the log still
-- ends in, or goes on from, what it has applied: an asynchronous failover can lose commits that clients have seen
-- (design §11). If it does not, the revision moves up by a large step and all before is marked compacted, as etcd does after
-- a restore: no client can mistake the new history for the old one, as no revision of the old is handed out again.
--
-- seen_*: the last change applied; seen_key is null if the frontend has only loaded the state at seen_revision.
create function pgetcd.ensure_history(seen_revision bigint, seen_sub integer, seen_key bytea, seen_value bytea)
    returns boolean language plpgsql volatile as $$
declare
    state pgetcd.cluster;
    head  bigint;
    found record;
    kept  boolean;
begin
    perform pgetcd.lock_log();
    select * into state from pgetcd.cluster;
    select greatest(state.base_revision, max(r.revision)) into head from pgetcd.revisions r;
    select r.sub, r.key, r.value into found
        from pgetcd.revisions r where r.revision = seen_revision order by r.sub desc limit 1;
    kept := case
        when seen_revision > head then false
        when seen_key is null then true
        -- Compaction may have removed it, or it and not what else its revision did.
        when found.key is null or found.sub < seen_sub then seen_revision < state.compact_revision
        else (found.sub, found.key, found.value) is not distinct from (seen_sub, seen_key, seen_value) end;
    if not kept then
        head := greatest(head, seen_revision) + 1000000;
        update pgetcd.cluster set base_revision = head, compact_revision = head;
        perform pg_notify('pgetcd', head::text);
    end if;
    return kept;
end
$$;
