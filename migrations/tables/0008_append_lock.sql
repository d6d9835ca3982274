-- Its lock puts the appends in order (functions/lock.sql). It never has a row. Only the owner may lock it, and two schemas
-- never share it.
create table pgetcd.append_lock ();

-- What the log is made of, up to a revision, in one number (functions/digest.sql). One row.
create table pgetcd.log_digest (
    one         boolean     primary key default true check (one),
    revision    bigint      not null default 0,           -- the rows up to here are in it, but for those that removal took away
    rows        bigint      not null default 0,
    digest      bigint      not null default 0,           -- row_digest of each of them, by exclusive or
    recorded_at timestamptz not null default '-infinity'
) with (fillfactor = 50);
insert into pgetcd.log_digest default values;

-- The same of the archive, for each day of removal.
alter table pgetcd.archive_days add rows bigint not null default 0, add digest bigint not null default 0;
