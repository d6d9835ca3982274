-- Numbers that stand in more than one place. The planner puts their values in, so a name costs nothing.
-- PgEtcd.Postgres reads them by these names too, or repeats them in a constant that a test compares (ConstantTests).

-- Bits of cluster.alarms.
create or replace function pgetcd.nospace_alarm() returns smallint language sql immutable return 1::smallint;
create or replace function pgetcd.corrupt_alarm() returns smallint language sql immutable return 2::smallint;
create or replace function pgetcd.other_alarm() returns smallint language sql immutable return 4::smallint;

-- A member is alive that has beaten within this time.
create or replace function pgetcd.member_limit() returns interval language sql immutable return interval '3 seconds';
-- A beat makes a frontend the leader for this time.
create or replace function pgetcd.leader_limit() returns interval language sql immutable return interval '2 seconds';

-- The step by which revisions move up after a failover that lost commits: out of reach of all that was handed out.
create or replace function pgetcd.failover_step() returns bigint language sql immutable return 1000000::bigint;

-- No frontend can have seen a higher one: a claim to have must not use up the numbers that there are.
create or replace function pgetcd.highest_revision() returns bigint language sql immutable return 4611686018427387904::bigint;

-- The column frontend of a change from SQL.
create or replace function pgetcd.sql_frontend() returns text language sql immutable return 'sql'::text;

-- No entry of the index by key, which holds the first 1024 bytes, is above it.
create or replace function pgetcd.highest() returns bytea language sql immutable return decode(repeat('ff', 1024), 'hex');
