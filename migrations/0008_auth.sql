-- Users, roles, permissions, tokens (semantics.md §11), and the audit of what changed them.
--
-- cluster.auth_revision counts every change, enabling included: appends and auth changes expect it, reads look at it.
-- What etcd shows is auth_shown_revision, which enabling leaves alone.

alter table pgetcd.cluster
    add column auth_enabled        boolean not null default false,
    add column auth_shown_revision bigint  not null default 1,
    add column auth_tokens_since   bigint  not null default 1;  -- simple tokens made at an earlier auth_revision are dead

create table pgetcd.auth_users (
    name         text    primary key,
    password     bytea,             -- the hash (docs/decisions/0015); null: none was ever given, empty: none fits
    no_password  boolean not null,  -- known by client certificate only
    tokens_since bigint  not null   -- simple tokens made at an earlier auth_revision are dead
);

create table pgetcd.auth_user_roles (
    username text not null references pgetcd.auth_users on delete cascade,
    role     text not null,  -- no reference: the role root need not exist as a record
    primary key (username, role)
);
create index auth_user_roles_by_role on pgetcd.auth_user_roles (role);

create table pgetcd.auth_roles (
    name text primary key
);

-- No unique index on keys: they may be longer than one can hold. Changes are made one after another.
create table pgetcd.auth_permissions (
    id        bigint  generated always as identity primary key,  -- the order in which they were granted
    role      text    not null references pgetcd.auth_roles on delete cascade,
    kind      integer not null,  -- authpb.Permission.Type as it came
    key       bytea   not null,
    range_end bytea   not null
);
create index auth_permissions_by_role on pgetcd.auth_permissions (role);

-- Simple tokens, good at every frontend. Only their hashes: who reads this table cannot log in.
create table pgetcd.auth_tokens (
    hash         bytea       primary key,  -- sha256
    username     text        not null,
    made_at_auth bigint      not null,     -- the auth_revision then
    expires_at   timestamptz not null      -- on the database's clock only
) with (fillfactor = 70);
create index auth_tokens_by_user on pgetcd.auth_tokens (username);

-- Who changed what, and failed logins. Never a password, a hash or a token.
create table pgetcd.auth_audit (
    id            bigint      generated always as identity primary key,
    at            timestamptz not null default clock_timestamp(),
    action        text        not null,  -- the method of the Auth service, or LoginFailed
    username      text,                  -- who did it, or as whom somebody tried; null while auth is off
    client        text,                  -- from where
    frontend      text        not null,
    subject       text        not null,  -- what was changed, in words
    auth_revision bigint      not null,  -- after it
    token         uuid                   -- names the change, so that a repeated one is recognised
);
create unique index auth_audit_by_token on pgetcd.auth_audit (token);

-- Begins a change of users, roles or permissions, if everything is as expected; the caller's transaction makes it.
-- Raises PA001 when something has changed meanwhile, PA002 when this very change is made already: a frontend whose connection
-- died during COMMIT asks by repeating itself.
create function pgetcd.begin_auth_change(
    expected_revision bigint,
    shown_step        bigint,
    change_token      uuid,
    action            text,
    username          text,
    client            text,
    frontend          text,
    subject           text
) returns void language plpgsql volatile as $$
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
create function pgetcd.add_auth_token(expected_revision bigint, token_hash bytea, token_user text, ttl_seconds double precision)
    returns boolean language plpgsql volatile as $$
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
create function pgetcd.note_failed_logins(usernames text[], clients text[], ats timestamptz[], frontend text)
    returns void language sql volatile as $$
    insert into pgetcd.auth_audit (at, action, username, client, frontend, subject, auth_revision)
        select f.at, 'LoginFailed', f.username, f.client, note_failed_logins.frontend, '', c.auth_revision
        from unnest(usernames, clients, ats) as f (username, client, at) cross join pgetcd.cluster c;
    delete from pgetcd.auth_audit a where a.action = 'LoginFailed' and a.id <
        (select min(last.id) from (select l.id from pgetcd.auth_audit l where l.action = 'LoginFailed'
            order by l.id desc limit 10000) last);
$$;

-- After a failover that has lost auth changes: a frontend that had seen them expects a revision that is no more, and its
-- appends would conflict for ever. The revision goes beyond it, so that everybody reads the auth state anew, and all tokens die.
create function pgetcd.ensure_auth_revision(seen_revision bigint) returns boolean language plpgsql volatile as $$
begin
    if exists (select from pgetcd.cluster c where c.auth_revision >= seen_revision) then
        return true;
    end if;
    perform pgetcd.lock_log();
    update pgetcd.cluster c set auth_revision = seen_revision + 1, auth_shown_revision = c.auth_shown_revision + 1000000,
        auth_tokens_since = seen_revision + 1 where c.auth_revision < seen_revision;
    return false;
end
$$;
