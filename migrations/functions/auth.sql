-- Begins a change of users, roles or permissions, if everything is as expected; the caller's transaction makes it.
-- Raises PA001 when something has changed meanwhile, PA002 when this very change is made already: a frontend whose connection
-- died during COMMIT asks by repeating itself.
create or replace function pgetcd.begin_auth_change(
    expected_revision bigint,
    shown_step        bigint,
    change_token      uuid,
    action            text,
    username          text,
    client            text,
    frontend          text,
    subject           text
) returns void language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    revision bigint;
    head     bigint;
begin
    perform pgetcd.lock_log();
    select c.auth_revision into revision from pgetcd.cluster c;
    if exists (select from pgetcd.auth_audit a where a.token = begin_auth_change.change_token) then
        raise exception 'the change is made already' using errcode = 'PA002';
    end if;
    if revision <> expected_revision then
        raise exception 'auth has moved to revision %', revision using errcode = 'PA001';
    end if;
    update pgetcd.cluster c
        set auth_revision = c.auth_revision + 1, auth_shown_revision = c.auth_shown_revision + shown_step;
    insert into pgetcd.auth_audit (action, username, client, frontend, subject, auth_revision, token)
        values (begin_auth_change.action, begin_auth_change.username, begin_auth_change.client,
            begin_auth_change.frontend, begin_auth_change.subject, revision + 1, begin_auth_change.change_token);
    select greatest(max(r.revision), 1) into head from pgetcd.revisions r;
    perform pg_notify('pgetcd', head::text);
end
$$;

-- Keeps a new token, if nothing has changed since its user's password was checked.
create or replace function pgetcd.add_auth_token(expected_revision bigint, token_hash bytea, token_user text, ttl_seconds double precision)
    returns boolean language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
    delete from pgetcd.auth_tokens t where t.expires_at < clock_timestamp();
    insert into pgetcd.auth_tokens (hash, username, made_at_auth, expires_at)
        select token_hash, token_user, c.auth_revision, clock_timestamp() + make_interval(secs => ttl_seconds)
        from pgetcd.cluster c where c.auth_revision = expected_revision
        on conflict (hash) do nothing;
    return found or exists (select from pgetcd.auth_tokens t where t.hash = token_hash);
end
$$;

-- Failed logins, gathered by a frontend. The last ten thousand are kept.
create or replace function pgetcd.note_failed_logins(usernames text[], clients text[], ats timestamptz[], frontend text)
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    insert into pgetcd.auth_audit (at, action, username, client, frontend, subject, auth_revision)
        select f.at, 'LoginFailed', f.username, f.client, note_failed_logins.frontend, '', c.auth_revision
        from unnest(usernames, clients, ats) as f (username, client, at) cross join pgetcd.cluster c;
    delete from pgetcd.auth_audit a where a.action = 'LoginFailed' and a.id <
        (select min(last.id) from (select l.id from pgetcd.auth_audit l where l.action = 'LoginFailed'
            order by l.id desc limit 10000) last);
$$;
revoke execute on function pgetcd.note_failed_logins(text[], text[], timestamptz[], text) from public;
