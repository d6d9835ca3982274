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
    username        text,                  -- etcd user, null while auth is off
    client          text,                  -- address the request came from
    frontend        text        not null,  -- which frontend, which run of it
    primary key (revision, sub)
);

-- A B-tree entry must fit a third of a page, an etcd key may be longer: so the index carries the first
-- 1024 bytes and queries compare both these and the key.
create index revisions_by_key on pgetcd.revisions (substr(key, 1, 1024), revision desc, sub desc);

-- Rows are only appended: vacuum early, for the visibility map and freezing.
alter table pgetcd.revisions set (autovacuum_vacuum_insert_scale_factor = 0.02);
-- Values are often compressed or encrypted already, and pglz costs more than it saves here.
alter table pgetcd.revisions alter column value set storage external;

-- What is true of the store beside its rows. One row.
create table pgetcd.cluster (
    one              boolean primary key default true check (one),
    compact_revision bigint  not null default -1,  -- -1: never compacted
    auth_revision    bigint  not null default 1,
    base_revision    bigint  not null default 1,   -- the store is at least here, whatever rows there are
    frontends        integer not null default 2,   -- alive now; a lone one is not notified of its own appends
    term             bigint  not null default 0,   -- counts PostgreSQL's restarts and promotions: shown as the raft term
    postmaster_start timestamptz                   -- of the postmaster that term was counted for
) with (fillfactor = 50);
insert into pgetcd.cluster default values;

create table pgetcd.leases (
    id          bigint      primary key,
    ttl         bigint      not null,  -- granted, seconds
    expires_at  timestamptz not null,  -- on the database's clock only
    grant_token uuid        not null   -- tells a repeated grant from somebody else's
) with (fillfactor = 70);
create index leases_by_expiry on pgetcd.leases (expires_at);

-- The one place where appends are put in order. Commit releases it.
create function pgetcd.lock_log() returns void language sql volatile as $$
    select pg_advisory_xact_lock(1885828452, hashtext('pgetcd'))
$$;

-- The term of the PostgreSQL that answers; a new postmaster (restarted, or promoted elsewhere) begins a new one.
create function pgetcd.observe_term() returns bigint language sql volatile as $$
    update pgetcd.cluster set term = term + 1, postmaster_start = pg_postmaster_start_time()
        where postmaster_start is distinct from pg_postmaster_start_time();
    select term from pgetcd.cluster;
$$;
