-- Compactions, the physical removal of superseded rows, and the archive that may keep them (design §8).

-- Every move of the compaction mark, written by a trigger (functions/compact.sql).
create table pgetcd.compactions (
    compact_revision bigint      not null,
    compacted_at     timestamptz not null default clock_timestamp(),
    username         text        not null default session_user,  -- etcd user, or SQL role
    client           text,                                       -- null: no client asked for it
    frontend         text                                        -- null: moved from SQL, or after a failover
);

-- The progress of removal, so that it resumes where it was killed. One row; its revisions only grow.
create table pgetcd.removal (
    one               boolean primary key default true check (one),
    finished_revision bigint  not null default -1,  -- the last compact revision whose removal is complete
    attended_revision bigint  not null default -1,  -- the last one with nothing left to remove but rows of appends in doubt
    walked_revision   bigint  not null default 0,   -- the position of the walk: all rows up to here have been visited
    walked_sub        integer not null default -1,
    towards_revision  bigint  not null default -1,  -- the compact revision at the time the walk got to its position
    kept_revision     bigint  not null default 0    -- above it the history is complete: log and archive hold every change
) with (fillfactor = 10);
insert into pgetcd.removal default values;

-- Removed rows, partitioned by the time of their removal, so that every row that was current at some time within the retention is
-- here or in the log. keep_archive creates and drops the partitions.
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

-- The position of removal when it last moved rows to the partition of a day: dropping the partition loses the history up to there.
create table pgetcd.archive_days (
    day             date   primary key,
    walked_revision bigint not null
);
