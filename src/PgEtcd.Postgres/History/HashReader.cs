using System.Buffers.Binary;
using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.History;

/// <summary>Computes the hash of etcd's HashKV from the log, over the same bytes (semantics.md §10.1): the content of etcd's file, in its
/// order. It uses one snapshot, and holds one row in memory at a time.</summary>
/// <remarks>Compaction may have left superseded rows that are still to be removed. The compact revision alone decides which rows
/// count, so the hash is the same before and after.</remarks>
public sealed class HashReader(Database database)
{
    // Above the compact revision ($2) all rows count. At and below it only puts that are the newest of their keys count, as of the
    // requested revision or, if nothing is alive then, as of the compact revision ($3).
    private const string RowsSql = """
        select r.revision, r.sub, r.key, r.value, r.create_revision, r.version, r.lease
        from pgetcd.revisions r
        where r.revision <= $1 and (r.revision > $2 or not r.tombstone and not exists (
            select from pgetcd.revisions n
            where substr(n.key, 1, 1024) = substr(r.key, 1, 1024) and n.key = r.key
                and (n.revision, n.sub) > (r.revision, r.sub) and n.revision <= $3))
        order by r.revision, r.sub
        """;

    // The newest rows are most likely to be alive. A compaction also keeps the tombstones of its own revision ($2).
    private const string AnyAliveSql = """
        select exists (
            select from pgetcd.revisions r
            where r.revision <= $1 and (not r.tombstone or r.revision = $2) and not exists (
                select from pgetcd.revisions n
                where substr(n.key, 1, 1024) = substr(r.key, 1, 1024) and n.key = r.key
                    and (n.revision, n.sub) > (r.revision, r.sub) and n.revision <= $1)
            order by r.revision desc, r.sub desc limit 1)
        """;

    private const string KeptSql = """
        select compact_revision, previous_revision, hash from pgetcd.compaction_hashes where compact_revision = $1
        """;

    private const string MissingSql = """
        select compact_revision, previous_revision, hash from pgetcd.compaction_hashes where hash is null
        order by compact_revision limit 1
        """;

    private const string KeepSql = "select pgetcd.keep_compaction_hash($1, $2)";

    private const string LeasesSql = "select id, ttl from pgetcd.leases order by id";

    // Rows come in the order of the primary key, and each row's key is looked up: nothing is sorted or held.
    private const string PlannerSql = """
        set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off;
        set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off
        """;

    /// <summary>Time limit of a hash at a compaction: the removal of rows waits for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Hashes the key space up to a revision. At one of the last ten compactions the result is that from just before it.</summary>
    /// <param name="revision">The revision; 0 for the current one; below 0 nothing matches.</param>
    public async Task<HashedKeys> HashKeysAsync(long revision, CancellationToken cancellationToken)
    {
        await using Snapshot snapshot = await Snapshot.OpenAsync(database, cancellationToken);
        if (await snapshot.Command(KeptSql, revision).FirstAsync<CompactionHash>(cancellationToken) is { } kept)
        {
            LogPosition position = await RevisionLog.PositionAsync(database, snapshot.Connection, cancellationToken);
            uint hash = (uint?)kept.Hash ?? await HashAsync(snapshot, kept, cancellationToken);
            return new HashedKeys(KvError.None, hash, kept.PreviousRevision, revision, position.Revision);
        }

        (HashedKeys hashed, _) = await HashKeysAsync(snapshot.Connection, revision, row: null, cancellationToken);
        return hashed;
    }

    /// <summary>Computes the oldest missing hash at a compaction, before the rows that it covers are removed. A hash that takes too long
    /// is abandoned.</summary>
    public async Task KeepHashAsync(CancellationToken cancellationToken)
    {
        CompactionHash? missing;
        uint? hash = null;
        await using (Snapshot snapshot = await Snapshot.OpenAsync(database, cancellationToken))
        {
            missing = await snapshot.Command(MissingSql).FirstAsync<CompactionHash>(cancellationToken);
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Patience);
            try
            {
                hash = missing is null ? null : await HashAsync(snapshot, missing, limit.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
            }
        }

        if (missing is not null)
        {
            await database.Command(KeepSql, missing.CompactRevision, (long?)hash).RunAsync(cancellationToken);
        }
    }

    /// <summary>Hashes all durable data: the keys as above, then the leases. The hash is PgEtcd's own: etcd's covers bytes of its file that
    /// do not exist here.</summary>
    public async Task<HashedKeys> HashAllAsync(CancellationToken cancellationToken)
    {
        await using Snapshot snapshot = await Snapshot.OpenAsync(database, cancellationToken);
        (HashedKeys hashed, Crc32C crc) = await HashKeysAsync(snapshot.Connection, 0, row: null, cancellationToken);
        crc.Add("lease"u8);
        byte[] lease = new byte[2 * sizeof(long)];
        await snapshot.Command(LeasesSql).WithoutLimit().EachAsync(
            reader =>
            {
                BinaryPrimitives.WriteInt64BigEndian(lease, reader.GetInt64(0));
                BinaryPrimitives.WriteInt64BigEndian(lease.AsSpan(sizeof(long)), reader.GetInt64(1));
                crc.Add(lease);
            },
            cancellationToken);

        return hashed with { Hash = crc.Value };
    }

    /// <summary>Hashes the key space as of a transaction.</summary>
    /// <param name="connection">In a transaction that excludes other writers or sees one snapshot.</param>
    /// <param name="revision">The revision; 0 for the current one; below 0 nothing matches.</param>
    /// <param name="row">Called for each row.</param>
    internal async Task<(HashedKeys Hashed, Crc32C Crc)> HashKeysAsync(
        NpgsqlConnection connection, long revision, Action? row, CancellationToken cancellationToken)
    {
        LogPosition position = await RevisionLog.PositionAsync(database, connection, cancellationToken);
        long compacted = position.CompactRevision;
        revision = revision == 0 ? position.Revision : revision;
        KvError error = revision > position.Revision ? KvError.FutureRevision
            : revision > 0 && revision < compacted ? KvError.Compacted
            : KvError.None;
        Crc32C crc = error != KvError.None ? default
            : await HashRowsAsync(connection, revision, compacted, keptTombstones: 0, row, cancellationToken);
        return (new HashedKeys(error, crc.Value, compacted, revision, position.Revision), crc);
    }

    private async Task<uint> HashAsync(Snapshot snapshot, CompactionHash wanted, CancellationToken cancellationToken) =>
        (await HashRowsAsync(
            snapshot.Connection, wanted.CompactRevision, wanted.PreviousRevision, keptTombstones: wanted.CompactRevision, row: null,
            cancellationToken)).Value;

    private async Task<Crc32C> HashRowsAsync(
        NpgsqlConnection connection, long revision, long compacted, long keptTombstones, Action? row, CancellationToken cancellationToken)
    {
        Crc32C crc = Begin();
        await database.Command(connection, PlannerSql).RunAsync(cancellationToken);
        bool anyKept = revision == compacted
            || await database.Command(connection, AnyAliveSql, revision, keptTombstones)
                .WithoutLimit().ScalarAsync(cancellationToken) is true;
        await database.Command(connection, RowsSql, revision, compacted, anyKept ? revision : compacted).WithoutLimit().EachAsync(
            reader =>
            {
                row?.Invoke();
                Add(ref crc, LogRow.Read(reader));
            },
            cancellationToken);
        return crc;
    }

    /// <summary>The hash of no entries.</summary>
    internal static Crc32C Begin() => new("key"u8);

    /// <summary>Adds the entry of etcd's file for a change: the revision as key, a KeyValue as value.</summary>
    internal static void Add(ref Crc32C crc, in LogRow row)
    {
        const int length = 17;
        Span<byte> revision = stackalloc byte[length + 1];
        BinaryPrimitives.WriteInt64BigEndian(revision, row.Revision);
        revision[sizeof(long)] = (byte)'_';
        BinaryPrimitives.WriteInt64BigEndian(revision[(sizeof(long) + 1)..], row.Sub);
        revision[length] = (byte)'t';
        KeyRecord? record = row.ToRecord();
        crc.Add(record is null ? revision : revision[..length]);
        crc.Add((record ?? new KeyRecord(row.Key, default, 0, 0, 0, 0, 0)).Encoded.Span);
    }

    private sealed record CompactionHash(long CompactRevision, long PreviousRevision, long? Hash);
}

/// <summary>A hash of the key space.</summary>
/// <param name="Error">Compacted or FutureRevision if there is no hash.</param>
/// <param name="Hash">The hash.</param>
/// <param name="CompactRevision">The compact revision with which the hash was computed; -1 if never compacted.</param>
/// <param name="HashRevision">The last revision covered by the hash.</param>
/// <param name="Revision">The current revision.</param>
public sealed record HashedKeys(KvError Error, uint Hash, long CompactRevision, long HashRevision, long Revision);
