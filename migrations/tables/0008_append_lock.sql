-- The lock on this table puts appends in order (functions/lock.sql). The table is always empty. Only the owner may lock it, and two
-- schemas never share it.
create table pgetcd.append_lock ();

-- A digest of the rows of the log up to a revision (functions/digest.sql). One row.
create table pgetcd.log_digest (
    one         boolean     primary key default true check (one),
    revision    bigint      not null default 0,           -- covers the rows up to here that have not been removed
    rows        bigint      not null default 0,
    digest      bigint      not null default 0,           -- exclusive or of their row_digest
    recorded_at timestamptz not null default '-infinity'
) with (fillfactor = 50);
insert into pgetcd.log_digest default values;

-- The same for the archive, by day of removal.
alter table pgetcd.archive_days add rows bigint not null default 0, add digest bigint not null default 0;
