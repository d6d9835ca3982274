-- The rights of roles (docs/security.md). A grant stays when these files are applied again.

-- Lets a role read the history and every other view, but no table.
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

-- Lets a role run a frontend with --migrate=never: the role may read all tables, and makes its changes through functions. Rights to write,
-- granted by an earlier pgetcd, are revoked.
create or replace function pgetcd.grant_server(grantee name) returns void language plpgsql volatile
    set search_path = pg_catalog, pg_temp as $$
begin
    execute format('grant usage on schema %I to %I', 'pgetcd', grantee);
    if grantee <> (select n.nspowner::regrole::name from pg_namespace n where n.nspname = 'pgetcd') then
        execute format('revoke insert, update, delete, truncate, references, trigger on all tables in schema %I from %I',
            'pgetcd', grantee);
        execute format('revoke usage, update on all sequences in schema %I from %I', 'pgetcd', grantee);
    end if;
    execute format('grant select on all tables in schema %I to %I', 'pgetcd', grantee);
    execute format('grant select on all sequences in schema %I to %I', 'pgetcd', grantee);
    execute format('grant execute on function
        pgetcd.append(bigint, bigint, bigint, text, integer[], bytea[], bytea[], bigint[], bigint[], bigint[], text[], text[], bigint[],
            bigint[], smallint, bytea[], bytea[], bytea[]),
        pgetcd.append_one(bigint, bigint, bigint, smallint, text, bytea, bytea, bigint, bigint, bigint, text, text),
        pgetcd.lock_and_tail(bigint), pgetcd.compact(bigint, uuid, text, text, text), pgetcd.set_alarm(bigint, integer, boolean),
        pgetcd.observe_term(), pgetcd.ensure_history(bigint, integer, bytea, bytea, bigint), pgetcd.ensure_auth_revision(bigint),
        pgetcd.grant_leases(bigint[], bigint[], uuid[]), pgetcd.keep_alive(bigint[]), pgetcd.renew_leases(text),
        pgetcd.beat(bigint, text, text, text[], text[], bigint), pgetcd.hand_over(text, bigint), pgetcd.leave(text),
        pgetcd.remove_dead(bigint),
        pgetcd.set_downgrade(text),
        pgetcd.change_auth(bigint, uuid, text, text, text, bytea, boolean, integer, bytea, bytea, text, text, text),
        pgetcd.add_auth_token(bigint, bytea, text, double precision), pgetcd.renew_auth_tokens(bytea[], double precision[]),
        pgetcd.note_failed_logins(text[], text[], timestamptz[], text),
        pgetcd.remove_superseded(integer, interval, boolean), pgetcd.keep_archive(interval), pgetcd.record_digest(integer),
        pgetcd.keep_compaction_hash(bigint, bigint)
        to %I', grantee);
end
$$;
