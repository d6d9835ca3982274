-- Changes users, roles or permissions, and records the change in the audit; only the owner can do one without the other. action is the
-- method of the Auth service.
-- Raises PA001 if auth has changed since the expected revision, PA002 if this very change has already been made: a frontend whose
-- connection died during COMMIT learns the outcome by calling again.
create or replace function pgetcd.change_auth(
    expected_revision bigint,
    change_token      uuid,
    action            text,
    user_name         text,
    role_name         text,
    password          bytea,    -- the hash; null with UserChangePassword: only the user's tokens end
    no_password       boolean,
    kind              integer,  -- of a permission
    range_start       bytea,
    range_end         bytea,
    username          text,
    client            text,
    frontend          text
) returns void language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    revision bigint;
    head     bigint;
begin
    perform pgetcd.lock_log();
    select c.auth_revision into revision from pgetcd.cluster c;
    if exists (select from pgetcd.auth_audit a where a.token = change_auth.change_token) then
        raise exception 'this change has already been made' using errcode = 'PA002';
    end if;
    if revision is distinct from expected_revision then
        raise exception 'auth is at revision % now', revision using errcode = 'PA001';
    end if;
    update pgetcd.cluster c set auth_revision = c.auth_revision + 1,
        auth_shown_revision = c.auth_shown_revision + case change_auth.action when 'AuthEnable' then 0 else 1 end;
    perform pgetcd.edit_auth(change_auth.action, user_name, role_name, change_auth.password, change_auth.no_password,
        change_auth.kind, range_start, change_auth.range_end);
    insert into pgetcd.auth_audit (action, username, client, frontend, subject, auth_revision, token)
        values (change_auth.action, change_auth.username, change_auth.client, change_auth.frontend,
            pgetcd.auth_subject(change_auth.action, user_name, role_name, change_auth.kind, range_start, change_auth.range_end),
            revision + 1, change_auth.change_token);
    select greatest(max(r.revision), 1) into head from pgetcd.revisions r;
    perform pg_notify('pgetcd', head::text);
end
$$;

-- The change itself; an import makes many. The caller has decided whether it is allowed, at the expected auth revision.
create or replace function pgetcd.edit_auth(
    action text, user_name text, role_name text, password bytea, no_password boolean, kind integer, range_start bytea, range_end bytea)
    returns void language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    now_at bigint := (select c.auth_revision from pgetcd.cluster c);
begin
    case edit_auth.action
        when 'AuthEnable' then
            update pgetcd.cluster set auth_enabled = true;
        when 'AuthDisable' then
            delete from pgetcd.auth_tokens;
            update pgetcd.cluster set auth_enabled = false, auth_tokens_since = auth_revision;
        when 'UserAdd' then
            -- Tokens of an earlier user with that name stay invalid.
            insert into pgetcd.auth_users (name, password, no_password, tokens_since)
                values (user_name, edit_auth.password, edit_auth.no_password, now_at);
        when 'UserDelete' then
            delete from pgetcd.auth_tokens t where t.username = user_name;
            delete from pgetcd.auth_users u where u.name = user_name;
        when 'UserChangePassword' then
            delete from pgetcd.auth_tokens t where t.username = user_name;
            update pgetcd.auth_users u set password = coalesce(edit_auth.password, u.password), tokens_since = now_at
                where u.name = user_name;
        when 'UserGrantRole' then
            insert into pgetcd.auth_user_roles (username, role) values (user_name, role_name);
        when 'UserRevokeRole' then
            delete from pgetcd.auth_user_roles r where r.username = user_name and r.role = role_name;
        when 'RoleAdd' then
            insert into pgetcd.auth_roles (name) values (role_name);
        when 'RoleDelete' then
            delete from pgetcd.auth_user_roles r where r.role = role_name;
            delete from pgetcd.auth_roles r where r.name = role_name;
        when 'RoleGrantPermission' then
            update pgetcd.auth_permissions p set kind = edit_auth.kind
                where p.role = role_name and p.key = range_start and p.range_end = edit_auth.range_end;
            if not found then
                insert into pgetcd.auth_permissions (role, kind, key, range_end)
                    values (role_name, edit_auth.kind, range_start, edit_auth.range_end);
            end if;
        when 'RoleRevokePermission' then
            delete from pgetcd.auth_permissions p
                where p.role = role_name and p.key = range_start and p.range_end = edit_auth.range_end;
        else
            raise exception 'unknown auth change %', edit_auth.action using errcode = 'invalid_parameter_value';
    end case;
end
$$;

-- The subject of a change in words, for the audit, without password or hash.
create or replace function pgetcd.auth_subject(
    action text, user_name text, role_name text, kind integer, range_start bytea, range_end bytea)
    returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
    select concat_ws(', ',
        'user ' || case when action like 'User%' then user_name end,
        'role ' || case when action like 'Role%' or action like 'User%Role' then role_name end,
        case when action like 'Role%Permission' then
            concat_ws(' ',
                case when action = 'RoleGrantPermission' then coalesce(('{Read,Write,Readwrite}'::text[])[kind + 1], kind::text) end,
                case when range_end <> '' then 'from' end, pgetcd.shown_key(range_start),
                case when range_end not in ('', '\x00') then 'to ' || pgetcd.shown_key(range_end) end)
        end)
$$;

-- A key for people to read: at most 200 bytes, printable ASCII as is, other bytes in hex.
create or replace function pgetcd.shown_key(key bytea) returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
    select '"' || coalesce(string_agg(
            case when b.byte between 32 and 126 then chr(b.byte) else '\x' || lpad(to_hex(b.byte), 2, '0') end, '' order by b.place), '')
        || case when octet_length(key) > 200 then '…"' else '"' end
    from (select n as place, get_byte(key, n) as byte from generate_series(0, least(octet_length(key), 200) - 1) n) b
$$;

-- Stores a new token, provided that auth has not changed since the password was checked. Returns whether the token is stored.
create or replace function pgetcd.add_auth_token(expected_revision bigint, token_hash bytea, token_user text, ttl_seconds double precision)
    returns boolean language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from pgetcd.auth_tokens t where t.expires_at < clock_timestamp();
    insert into pgetcd.auth_tokens (hash, username, made_at_auth, expires_at)
        select token_hash, token_user, c.auth_revision, clock_timestamp() + make_interval(secs => ttl_seconds)
        from pgetcd.cluster c where c.auth_revision = expected_revision
        on conflict (hash) do nothing;
    return found or exists (select from pgetcd.auth_tokens t where t.hash = token_hash);
end
$$;

-- Extends tokens that have been used. lives: for each hash, seconds from now. Returns the hashes that still exist.
create or replace function pgetcd.renew_auth_tokens(hashes bytea[], lives double precision[]) returns setof bytea language sql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
    update pgetcd.auth_tokens t set expires_at = greatest(t.expires_at, clock_timestamp() + make_interval(secs => used.life))
        from unnest(hashes, lives) as used (hash, life) where t.hash = used.hash returning t.hash
$$;

-- Records failed logins, gathered by a frontend. The last ten thousand are kept.
create or replace function pgetcd.note_failed_logins(usernames text[], clients text[], ats timestamptz[], frontend text)
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    insert into pgetcd.auth_audit (at, action, username, client, frontend, subject, auth_revision)
        select f.at, 'LoginFailed', f.username, f.client, note_failed_logins.frontend, '', c.auth_revision
        from unnest(usernames, clients, ats) as f (username, client, at) cross join pgetcd.cluster c;
    delete from pgetcd.auth_audit a where a.action = 'LoginFailed' and a.id <
        (select min(last.id) from (select l.id from pgetcd.auth_audit l where l.action = 'LoginFailed'
            order by l.id desc limit 10000) last);
$$;

revoke execute on function
    pgetcd.change_auth(bigint, uuid, text, text, text, bytea, boolean, integer, bytea, bytea, text, text, text),
    pgetcd.add_auth_token(bigint, bytea, text, double precision), pgetcd.renew_auth_tokens(bytea[], double precision[]),
    pgetcd.note_failed_logins(text[], text[], timestamptz[], text) from public;
