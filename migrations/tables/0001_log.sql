-- The log: every mutation is a row, the value of the sequence is the revision.
-- Written for the default schema; the migrator puts the configured one in place of `pgetcd.` and `'pgetcd'`.

create sequence pgetcd.revision_seq as bigint minvalue 1 start 1 no cycle;
-- An empty store is at revision 1, as in etcd: the first write draws 2.
select setval('pgetcd.revision_seq', 1, true);

create table pgetcd.revisions (
    revision        bigint      not null,  -- etcd's main revision
    sub             integer     not null,  -- n-th change within the revision
    key             bytea       not null,
    value           bytea,                 -- null for a tombstone
    tombstone       boolean     not null generated always as (value is null) stored,
    create_revision bigint      not null,  -- as of this event; 0 for a tombstone
    version         bigint      not null,  -- as of this event; 0 for a tombstone
    lease           bigint      not null,  -- 0: none
    committed_at    timestamptz not null,  -- never decreases with the revision
    username        text,                  -- etcd user, null while auth is off; SQL role for a change from SQL
    client          text,                  -- address of the client, # and the name of the request
    frontend        text        not null,  -- name and run of the frontend; 'sql' or 'import'
    primary key (revision, sub)
);

-- A B-tree entry must fit a third of a page, an etcd key may be longer: so the index carries the first
-- 1024 bytes and queries compare both these and the key.
create index revisions_by_key on pgetcd.revisions (substr(key, 1, 1024), revision desc, sub desc);

-- Rows are only appended: vacuum early, for the visibility map and freezing.
alter table pgetcd.revisions set (autovacuum_vacuum_insert_scale_factor = 0.02);
-- Values are often compressed or encrypted already, and pglz costs more than it saves here.
alter table pgetcd.revisions alter column value set storage external;

-- The state of the store beside its rows. One row, which every tail query reads.
create table pgetcd.cluster (
    one                 boolean  primary key default true check (one),
    compact_revision    bigint   not null default -1,  -- -1: never compacted
    compact_token       uuid,                          -- of the last compaction: a repeated one is recognised
    base_revision       bigint   not null default 1,   -- the store is at least here, whatever rows there are
    frontends           integer  not null default 2,   -- alive now; a lone one is not notified of its own appends
    term                bigint   not null default 0,   -- counts PostgreSQL's restarts and promotions: shown as the raft term
    postmaster_start    timestamptz,                   -- of the postmaster that term was counted for
    -- The kinds of alarms that are raised, in bits (functions/constants.sql). Appends compare it: so no frontend writes once
    -- an alarm is acknowledged (docs/decisions/0009).
    alarms              smallint not null default 0,
    downgrade_target    text,                          -- the version that `etcdctl downgrade enable` named; null: none
    -- Counts every change of auth, enabling included: appends and auth changes expect it, reads compare it.
    auth_revision       bigint   not null default 1,
    auth_shown_revision bigint   not null default 1,   -- the auth revision that etcd shows; enabling leaves it alone
    auth_enabled        boolean  not null default false,
    auth_tokens_since   bigint   not null default 1    -- simple tokens made at an earlier auth_revision are dead
) with (fillfactor = 50);
insert into pgetcd.cluster default values;

-- Rows that functions return. `create or replace` does not exist for types: a later change is an `alter type` in a file of
-- its own.

-- The answer of append and tail: the position of the log in the first row, rows of the log after it.
create type pgetcd.log_answer as (
    outcome          text,     -- appended | conflict | lease_missing | tail in the first row; null in those after it
    head             bigint,
    compact_revision bigint,
    auth_revision    bigint,
    missing_leases   bigint[],
    revision         bigint,
    sub              integer,
    key              bytea,
    value            bytea,
    create_revision  bigint,
    version          bigint,
    lease            bigint,
    alarms           smallint
);

-- A key as it was (docs/sql.md).
create type pgetcd.key_state as (
    key bytea, key_text text, value bytea, value_text text,
    create_revision bigint, mod_revision bigint, version bigint, lease bigint, sub integer);

-- A key that is not the same at two moments (docs/sql.md).
create type pgetcd.key_difference as (
    key bytea, key_text text, change text,
    old_value bytea, old_value_text text, old_mod_revision bigint,
    new_value bytea, new_value_text text, new_mod_revision bigint);

-- A key that restoring would change, and how (docs/sql.md).
create type pgetcd.key_restore as (
    key bytea, key_text text, change text,
    old_value bytea, old_value_text text, old_mod_revision bigint,
    new_value bytea, new_value_text text, new_mod_revision bigint,
    lease bigint, lost_lease bigint);
