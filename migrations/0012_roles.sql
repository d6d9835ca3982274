-- Users, roles and permissions as SQL readers see them, and a role for frontends that can append history and not take it away
-- (docs/security.md).

create view pgetcd.auth_status as
    select c.auth_enabled as enabled, c.auth_shown_revision as auth_revision from pgetcd.cluster c;

create view pgetcd.auth_accounts as
    select u.name, coalesce(octet_length(u.password), 0) > 0 as has_password,
        array(select r.role from pgetcd.auth_user_roles r where r.username = u.name order by r.role) as roles
    from pgetcd.auth_users u;

-- What each role may. range_end null: one key; all keys from key on, if it is a zero byte.
create view pgetcd.auth_grants as
    select r.name as role, (array['READ', 'WRITE', 'READWRITE'])[p.kind + 1] as permission,
        p.key, pgetcd.as_text(p.key) as key_text,
        nullif(p.range_end, '') as range_end, pgetcd.as_text(nullif(p.range_end, '')) as range_end_text
    from pgetcd.auth_roles r left join pgetcd.auth_permissions p on p.role = r.name;

create view pgetcd.auth_changes as
    select a.at, a.action, a.username, a.client, a.frontend, a.subject, a.auth_revision from pgetcd.auth_audit a;

create or replace function pgetcd.grant_auditor(grantee name) returns void language plpgsql volatile as $$
begin
    execute format('grant usage on schema %I to %I', 'pgetcd', grantee);
    execute format('grant select on pgetcd.history, pgetcd.current_state, pgetcd.status, pgetcd.active_leases,
        pgetcd.lease_keys, pgetcd.active_members, pgetcd.compactions,
        pgetcd.auth_status, pgetcd.auth_accounts, pgetcd.auth_grants, pgetcd.auth_changes to %I', grantee);
end
$$;

-- What takes rows of the log, the archive or the audit away does so with its owner's rights, so that nobody else needs them.
alter function pgetcd.remove_superseded(integer, interval, boolean) security definer;
alter function pgetcd.remove_superseded(integer, interval, boolean) set search_path = pg_catalog, pg_temp;
alter function pgetcd.keep_archive(interval) security definer;
alter function pgetcd.keep_archive(interval) set search_path = pg_catalog, pg_temp;
alter function pgetcd.note_failed_logins(text[], text[], timestamptz[], text) security definer;
alter function pgetcd.note_failed_logins(text[], text[], timestamptz[], text) set search_path = pg_catalog, pg_temp;
revoke execute on function pgetcd.remove_superseded(integer, interval, boolean), pgetcd.keep_archive(interval),
    pgetcd.note_failed_logins(text[], text[], timestamptz[], text) from public;

-- Lets a role run a frontend with --migrate=never.
create function pgetcd.grant_server(grantee name) returns void language plpgsql volatile as $$
begin
    execute format('grant usage on schema %I to %I', 'pgetcd', grantee);
    execute format('grant select on all tables in schema %I to %I', 'pgetcd', grantee);
    execute format('grant usage, select, update on all sequences in schema %I to %I', 'pgetcd', grantee);
    execute format('grant insert on pgetcd.revisions, pgetcd.auth_audit to %I', grantee);
    execute format('grant insert, update on pgetcd.compactions to %I', grantee);
    execute format('grant update on pgetcd.cluster, pgetcd.leader to %I', grantee);
    execute format('grant insert, update, delete on pgetcd.leases, pgetcd.members, pgetcd.alarms, pgetcd.auth_users,
        pgetcd.auth_user_roles, pgetcd.auth_roles, pgetcd.auth_permissions, pgetcd.auth_tokens to %I', grantee);
    execute format('grant execute on function pgetcd.remove_superseded(integer, interval, boolean), pgetcd.keep_archive(interval),
        pgetcd.note_failed_logins(text[], text[], timestamptz[], text) to %I', grantee);
end
$$;
