-- Users, roles, permissions, tokens (semantics.md §11), and the audit of changes to them.

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

-- Simple tokens, good at every frontend. Only their hashes: a reader of this table cannot log in.
create table pgetcd.auth_tokens (
    hash         bytea       primary key,  -- sha256
    username     text        not null,
    made_at_auth bigint      not null,     -- the auth_revision then
    expires_at   timestamptz not null      -- on the database's clock only
) with (fillfactor = 70);
create index auth_tokens_by_user on pgetcd.auth_tokens (username);

-- Changes and failed logins. Never a password, a hash or a token.
create table pgetcd.auth_audit (
    id            bigint      generated always as identity primary key,
    at            timestamptz not null default clock_timestamp(),
    action        text        not null,  -- the method of the Auth service, or LoginFailed
    username      text,                  -- the user, or the name that a failed login gave; null while auth is off
    client        text,
    frontend      text        not null,
    subject       text        not null,  -- the thing that was changed, in words
    auth_revision bigint      not null,  -- after it
    token         uuid                   -- names the change, so that a repeated one is recognised
);
create unique index auth_audit_by_token on pgetcd.auth_audit (token);
