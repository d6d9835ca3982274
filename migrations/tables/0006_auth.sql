-- Users, roles, permissions, tokens (semantics.md §11), and the audit of changes to them.

create table pgetcd.auth_users (
    name         text    primary key,
    password     bytea,             -- the hash (docs/decisions/0015); null: never set, empty: no password matches
    no_password  boolean not null,  -- authenticates by client certificate only
    tokens_since bigint  not null   -- simple tokens issued at an earlier auth_revision are invalid
);

create table pgetcd.auth_user_roles (
    username text not null references pgetcd.auth_users on delete cascade,
    role     text not null,  -- no foreign key, as the role root need not exist as a record
    primary key (username, role)
);
create index auth_user_roles_by_role on pgetcd.auth_user_roles (role);

create table pgetcd.auth_roles (
    name text primary key
);

-- Keys have no unique index, as they may be longer than an entry of one. Changes are serialized instead.
create table pgetcd.auth_permissions (
    id        bigint  generated always as identity primary key,  -- the order in which they were granted
    role      text    not null references pgetcd.auth_roles on delete cascade,
    kind      integer not null,  -- authpb.Permission.Type as received
    key       bytea   not null,
    range_end bytea   not null
);
create index auth_permissions_by_role on pgetcd.auth_permissions (role);

-- Simple tokens, valid at every frontend. Only hashes are stored, so a reader of this table cannot log in.
create table pgetcd.auth_tokens (
    hash         bytea       primary key,  -- sha256
    username     text        not null,
    made_at_auth bigint      not null,     -- the auth_revision at which the token was issued
    expires_at   timestamptz not null      -- by the database's clock
) with (fillfactor = 70);
create index auth_tokens_by_user on pgetcd.auth_tokens (username);

-- Changes and failed logins; never a password, a hash or a token.
create table pgetcd.auth_audit (
    id            bigint      generated always as identity primary key,
    at            timestamptz not null default clock_timestamp(),
    action        text        not null,  -- the method of the Auth service, or LoginFailed
    username      text,                  -- the user, or the name given in a failed login; null while auth is off
    client        text,
    frontend      text        not null,
    subject       text        not null,  -- the changed user, role or permission, in words
    auth_revision bigint      not null,  -- after the change
    token         uuid                   -- identifies the change, so that a repeated call is recognised
);
create unique index auth_audit_by_token on pgetcd.auth_audit (token);
