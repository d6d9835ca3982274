-- The term. A new postmaster (a restart, or a promotion elsewhere) begins a new one.
create or replace function pgetcd.observe_term() returns bigint language sql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
    update pgetcd.cluster set term = term + 1, postmaster_start = pg_postmaster_start_time()
        where postmaster_start is distinct from pg_postmaster_start_time();
    select term from pgetcd.cluster;
$$;

-- A frontend that connects to a different PostgreSQL process (restarted, promoted, restored) calls this to learn whether the log still
-- ends in, or continues from, the changes that it has applied: an asynchronous failover can lose commits that clients have seen
-- (design §11). If it does not, the revision moves up by a large step and everything before is marked compacted, as etcd does after
-- a restore. No revision of the old history is used again, so no client can mistake the new history for the old one.
--
-- seen_*: the last change applied; seen_key is null if the frontend has only loaded the state at seen_revision.
-- A failover may also lose a compaction but no row. The mark is then set again: clients have been told of the compaction, and appends
-- of frontends that know it would be refused for ever.
create or replace function pgetcd.ensure_history(
    seen_revision bigint, seen_sub integer, seen_key bytea, seen_value bytea, seen_compact_revision bigint)
    returns boolean language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    state pgetcd.cluster;
    head  bigint;
    found record;
    kept  boolean;
begin
    if greatest(seen_revision, seen_compact_revision) > pgetcd.highest_revision() then
        raise exception 'revision % is out of range', greatest(seen_revision, seen_compact_revision)
            using errcode = 'invalid_parameter_value';
    end if;
    perform pgetcd.lock_log();
    select * into state from pgetcd.cluster;
    select greatest(state.base_revision, max(r.revision)) into head from pgetcd.revisions r;
    select r.sub, r.key, r.value into found
        from pgetcd.revisions r where r.revision = seen_revision order by r.sub desc limit 1;
    kept := case
        when seen_revision > head then false
        when seen_key is null then true
        -- Compaction may have removed the row alone, or its whole revision.
        when found.key is null or found.sub < seen_sub then seen_revision < state.compact_revision
        else (found.sub, found.key, found.value) is not distinct from (seen_sub, seen_key, seen_value) end;
    if not kept then
        head := greatest(head, seen_revision) + pgetcd.failover_step();
        update pgetcd.cluster set base_revision = head, compact_revision = head;
        perform pg_notify('pgetcd', head::text);
    elsif state.compact_revision < least(seen_compact_revision, head) then
        update pgetcd.cluster set compact_revision = least(seen_compact_revision, head);
        perform pg_notify('pgetcd', head::text);
    end if;
    return kept;
end
$$;

-- Called after a failover, which may have lost auth changes. A frontend that had seen them expects a revision that no longer exists, and
-- its appends would conflict for ever. The auth revision moves beyond it: all frontends reload the auth state, and all tokens end.
create or replace function pgetcd.ensure_auth_revision(seen_revision bigint) returns boolean language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from pgetcd.cluster c where c.auth_revision >= seen_revision) then
        return true;
    elsif seen_revision > pgetcd.highest_revision() then
        raise exception 'auth revision % is out of range', seen_revision using errcode = 'invalid_parameter_value';
    end if;
    perform pgetcd.lock_log();
    update pgetcd.cluster c set auth_revision = seen_revision + 1, auth_shown_revision = c.auth_shown_revision + pgetcd.failover_step(),
        auth_tokens_since = seen_revision + 1 where c.auth_revision < seen_revision;
    return false;
end
$$;

revoke execute on function pgetcd.observe_term(), pgetcd.ensure_history(bigint, integer, bytea, bytea, bigint),
    pgetcd.ensure_auth_revision(bigint) from public;
