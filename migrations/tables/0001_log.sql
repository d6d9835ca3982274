-- The log: every mutation is a row, and the value of the sequence is its revision.
-- Written for the default schema; the migrator puts the configured one in place of `pgetcd.` and `'pgetcd'`.

create sequence pgetcd.revision_seq as bigint minvalue 1 start 1 no cycle;
-- An empty store is at revision 1, as in etcd, so the first write draws 2.
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

-- A B-tree entry must fit a third of a page, and an etcd key may be longer. The index therefore holds the first
-- 1024 bytes, and queries compare both these and the key.
create index revisions_by_key on pgetcd.revisions (substr(key, 1, 1024), revision desc, sub desc);

-- Rows are only appended; early vacuums keep the visibility map current and spread out the freezing.
alter table pgetcd.revisions set (autovacuum_vacuum_insert_scale_factor = 0.02);
-- Values are often compressed or encrypted already, and pglz costs more than it saves here.
alter table pgetcd.revisions alter column value set storage external;

-- The state of the store beside its rows: one row, which every tail query reads.
create table pgetcd.cluster (
    one                 boolean  primary key default true check (one),
    compact_revision    bigint   not null default -1,  -- -1: never compacted
    compact_token       uuid,                          -- of the last compaction, so that a repeated call is recognised
    base_revision       bigint   not null default 1,   -- the store is at least at this revision, whatever its rows say
    frontends           integer  not null default 2,   -- alive now; a lone frontend is not notified of its own appends
    term                bigint   not null default 0,   -- counts PostgreSQL's restarts and promotions; shown as the raft term
    postmaster_start    timestamptz,                   -- start of the postmaster for which term was last counted
    -- The kinds of alarm that are raised, as bits (functions/constants.sql). Appends compare them, so no frontend writes once
    -- an alarm is acknowledged (docs/decisions/0009).
    alarms              smallint not null default 0,
    downgrade_target    text,                          -- the version named in `etcdctl downgrade enable`; null: none
    -- Counts every change of auth, enabling included. Appends and auth changes expect it; reads compare it.
    auth_revision       bigint   not null default 1,
    auth_shown_revision bigint   not null default 1,   -- the auth revision as etcd shows it; enabling auth does not change it
    auth_enabled        boolean  not null default false,
    auth_tokens_since   bigint   not null default 1    -- simple tokens issued at an earlier auth_revision are invalid
) with (fillfactor = 50);
insert into pgetcd.cluster default values;

-- Row types that functions return. Types have no `create or replace`, so a later change is an `alter type` in a file of its own.

-- The answer of append and tail: the first row holds the position of the log, the others are rows of the log.
create type pgetcd.log_answer as (
    outcome          text,     -- appended | conflict | lease_missing | tail in the first row; null in the others
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

-- A key at one moment (docs/sql.md).
create type pgetcd.key_state as (
    key bytea, key_text text, value bytea, value_text text,
    create_revision bigint, mod_revision bigint, version bigint, lease bigint, sub integer);

-- A key that differs between two moments (docs/sql.md).
create type pgetcd.key_difference as (
    key bytea, key_text text, change text,
    old_value bytea, old_value_text text, old_mod_revision bigint,
    new_value bytea, new_value_text text, new_mod_revision bigint);

-- A key that a restore would change, and how (docs/sql.md).
create type pgetcd.key_restore as (
    key bytea, key_text text, change text,
    old_value bytea, old_value_text text, old_mod_revision bigint,
    new_value bytea, new_value_text text, new_mod_revision bigint,
    lease bigint, lost_lease bigint);
