-- What the log and the archive are made of, in one number: so that `pgetcd verify` finds a row that was changed, taken away or added
-- (docs/log.md). No append pays for it: the leader takes in what was appended since, and removal takes out what it removes.

-- A row as a number, each part of which is the seed of the next. By hash functions that PostgreSQL keeps as they are, as hash partitions
-- are stored by them. Against accidents and careless hands, not against a role that may write the digest too.
create or replace function pgetcd.row_digest(
    revision bigint, sub integer, key bytea, value bytea, create_revision bigint, version bigint, lease bigint,
    committed_at timestamptz, username text, client text, frontend text) returns bigint language sql immutable
    return hash_array_extended(array[username, client, frontend] collate "C",
        hash_array_extended(array[key, value, timestamptz_send(committed_at)],
            hashint8extended(revision, hashint8extended(sub, hashint8extended(create_revision, hashint8extended(version, lease))))));

-- Takes the next rows of the log in, at least as many as are asked for if there are. Returns whether there are more.
create or replace function pgetcd.record_digest(most integer) returns boolean language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
    noted pgetcd.log_digest;
    last  bigint;
    more  record;
begin
    -- A crash loses it together with no row: no need to wait for the disk.
    perform set_config('synchronous_commit', 'off', true);
    -- Removal waits for this row before it takes any other away, so both statements below see the same ones.
    select d.* into noted from pgetcd.log_digest d for update;
    -- Whole revisions: a later one is never committed earlier.
    select max(n.revision) into last from (
        select r.revision from pgetcd.revisions r where r.revision > noted.revision order by r.revision, r.sub limit greatest(most, 1)) n;
    if last is null then
        return false;
    end if;
    select count(*) as rows, bit_xor(pgetcd.row_digest(r.revision, r.sub, r.key, r.value,
            r.create_revision, r.version, r.lease, r.committed_at, r.username, r.client, r.frontend)) as digest
        into more from pgetcd.revisions r where r.revision > noted.revision and r.revision <= last;
    update pgetcd.log_digest d set revision = last, rows = d.rows + more.rows, digest = d.digest # more.digest,
        recorded_at = clock_timestamp();
    return more.rows >= most;
end
$$;
revoke execute on function pgetcd.record_digest(integer) from public;
