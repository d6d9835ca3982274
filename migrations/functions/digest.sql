-- A digest of the rows of the log and the archive, by which `pgetcd verify` finds rows that were changed, removed or added (docs/log.md).
-- Appends do not pay for it: the leader adds new rows afterwards, and removal takes out the rows that it removes.

-- The hash of a row; the hash of each part is the seed of the next. PostgreSQL keeps these hash functions stable, as hash partitions
-- depend on them. They protect against accidents and careless changes, not against a role that may also write the digest.
create or replace function pgetcd.row_digest(
    revision bigint, sub integer, key bytea, value bytea, create_revision bigint, version bigint, lease bigint,
    committed_at timestamptz, username text, client text, frontend text) returns bigint language sql immutable
    return hash_array_extended(array[username, client, frontend] collate "C",
        hash_array_extended(array[key, value, timestamptz_send(committed_at)],
            hashint8extended(revision, hashint8extended(sub, hashint8extended(create_revision, hashint8extended(version, lease))))));

-- Adds the next rows of the log, at least `most` of them if there are so many. Returns whether there may be more.
create or replace function pgetcd.record_digest(most integer) returns boolean language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
    noted pgetcd.log_digest;
    last  bigint;
    more  record;
begin
    -- A crash may lose the record but no row of the log, so there is no need to wait for the disk.
    perform set_config('synchronous_commit', 'off', true);
    -- Removal waits for this lock before it removes rows, so both statements below see the same rows.
    select d.* into noted from pgetcd.log_digest d for update;
    -- Whole revisions only; revisions are committed in order.
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
