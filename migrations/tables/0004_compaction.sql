-- Compactions, the physical removal of superseded rows, and the archive that may take them (design §8).

-- Every move of the compaction mark, written by a trigger (functions/compact.sql).
create table pgetcd.compactions (
    compact_revision bigint      not null,
    compacted_at     timestamptz not null default clock_timestamp(),
    username         text        not null default session_user,  -- etcd user, or SQL role
    client           text,                                       -- null: a frontend by itself
    frontend         text                                        -- null: none
);

-- How far removal has come, so that it goes on where it was killed. One row. Revisions only grow.
create table pgetcd.removal (
    one               boolean primary key default true check (one),
    finished_revision bigint  not null default -1,  -- the last compact revision that removal is through with
    attended_revision bigint  not null default -1,  -- the last one of which only rows that may be asked for are left
    walked_revision   bigint  not null default 0,   -- where the walk stands: all rows up to here have been looked at
    walked_sub        integer not null default -1,
    towards_revision  bigint  not null default -1,  -- the compact revision that the walk was towards when it got there
    kept_revision     bigint  not null default 0    -- above it the history is whole: log and archive hold every change
) with (fillfactor = 10);
insert into pgetcd.removal default values;

-- Removed rows, by the time of their removal: so everything that was current at some time within the retention is here or in
-- the log. keep_archive makes and drops the partitions.
create table pgetcd.revisions_archive (
    revision        bigint      not null,
    sub             integer     not null,
    key             bytea       not null,
    value           bytea,
    tombstone       boolean     not null generated always as (value is null) stored,
    create_revision bigint      not null,
    version         bigint      not null,
    lease           bigint      not null,
    committed_at    timestamptz not null,
    username        text,
    client          text,
    frontend        text        not null,
    removed_at      timestamptz not null default clock_timestamp()
) partition by range (removed_at);
create index revisions_archive_by_revision on pgetcd.revisions_archive (revision, sub);
create index revisions_archive_by_key on pgetcd.revisions_archive (substr(key, 1, 1024), revision desc, sub desc);
alter table pgetcd.revisions_archive alter column value set storage external;

-- How far removal had come when it last moved rows to the partition of a day: the history that goes with the partition.
create table pgetcd.archive_days (
    day             date   primary key,
    walked_revision bigint not null
);
