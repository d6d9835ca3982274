-- The rights of roles (docs/security.md). A grant outlives the next time these files are applied.

-- Lets a role read the history and everything else that is shown, and no table.
create or replace function pgetcd.grant_auditor(grantee name) returns void language plpgsql volatile
    set search_path = pg_catalog, pg_temp as $$
begin
    execute format('grant usage on schema %I to %I', 'pgetcd', grantee);
    execute format('grant select on pgetcd.history, pgetcd.current_state, pgetcd.status, pgetcd.active_leases,
        pgetcd.lease_keys, pgetcd.active_members, pgetcd.compactions,
        pgetcd.auth_status, pgetcd.auth_accounts, pgetcd.auth_grants, pgetcd.auth_changes to %I', grantee);
end
$$;

-- Lets a role change keys.
create or replace function pgetcd.grant_writer(grantee name) returns void language plpgsql volatile
    set search_path = pg_catalog, pg_temp as $$
begin
    execute format('grant usage on schema %I to %I', 'pgetcd', grantee);
    execute format('grant execute on function pgetcd.put(bytea, bytea, bigint), pgetcd.compare_and_put(bytea, bigint, bytea, bigint),
        pgetcd.delete(bytea), pgetcd.delete_prefix(bytea),
        pgetcd.restore_key(bytea, bigint, bigint), pgetcd.restore_key(bytea, timestamptz, bigint),
        pgetcd.restore_prefix(bytea, bigint, bigint), pgetcd.restore_prefix(bytea, timestamptz, bigint) to %I', grantee);
end
$$;

-- Lets a role run a frontend with --migrate=never.
create or replace function pgetcd.grant_server(grantee name) returns void language plpgsql volatile
    set search_path = pg_catalog, pg_temp as $$
begin
    execute format('grant usage on schema %I to %I', 'pgetcd', grantee);
    execute format('grant select on all tables in schema %I to %I', 'pgetcd', grantee);
    execute format('grant usage, select, update on all sequences in schema %I to %I', 'pgetcd', grantee);
    execute format('grant insert on pgetcd.revisions, pgetcd.auth_audit to %I', grantee);
    execute format('grant insert, update on pgetcd.compactions to %I', grantee);
    execute format('grant insert, update, delete on pgetcd.compaction_hashes to %I', grantee);
    execute format('grant update on pgetcd.cluster, pgetcd.leader to %I', grantee);
    execute format('grant insert, update, delete on pgetcd.leases, pgetcd.members, pgetcd.alarms, pgetcd.auth_users,
        pgetcd.auth_user_roles, pgetcd.auth_roles, pgetcd.auth_permissions, pgetcd.auth_tokens to %I', grantee);
    execute format('grant execute on function pgetcd.remove_superseded(integer, interval, boolean), pgetcd.keep_archive(interval),
        pgetcd.note_failed_logins(text[], text[], timestamptz[], text) to %I', grantee);
end
$$;
