-- Constants used in more than one place. The planner inlines them, so a name costs nothing.
-- PgEtcd.Postgres also reads them by these names, or repeats them in a constant that ConstantTests compares.

-- Bits of cluster.alarms.
create or replace function pgetcd.nospace_alarm() returns smallint language sql immutable return 1::smallint;
create or replace function pgetcd.corrupt_alarm() returns smallint language sql immutable return 2::smallint;
create or replace function pgetcd.other_alarm() returns smallint language sql immutable return 4::smallint;

-- A member is alive for this long after its last heartbeat.
create or replace function pgetcd.member_limit() returns interval language sql immutable return interval '3 seconds';
-- A heartbeat makes a frontend the leader for this long.
create or replace function pgetcd.leader_limit() returns interval language sql immutable return interval '2 seconds';

-- The step by which revisions move up after a failover that lost commits, beyond any revision that the old history used.
create or replace function pgetcd.failover_step() returns bigint language sql immutable return 1000000::bigint;

-- No frontend can have seen a higher revision; a false claim must not use up the range of bigint.
create or replace function pgetcd.highest_revision() returns bigint language sql immutable return 4611686018427387904::bigint;

-- The value of the column frontend for a change from SQL.
create or replace function pgetcd.sql_frontend() returns text language sql immutable return 'sql'::text;

-- An upper bound of the entries of the index by key, which hold the first 1024 bytes.
create or replace function pgetcd.highest() returns bytea language sql immutable return decode(repeat('ff', 1024), 'hex');
