using System.Buffers;
using System.Buffers.Binary;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Snapshots.Bbolt;

namespace PgEtcd.Snapshots;

/// <summary>
/// Writes the database image of an etcd snapshot, front to back and in little memory. The same changes are passed twice: a writer without
/// an output measures, and its result is the start of the writer that writes.
/// </summary>
/// <remarks>The image has no storage version: every etcd from 3.4 on accepts such a file (snapshot-format.md §12).</remarks>
public sealed class SnapshotWriter
{
    private readonly BboltWriter _file;

    /// <param name="output">The output; it gets pages as soon as they are full. Null for a writer that only measures.</param>
    /// <param name="layout">The result of measuring the same changes, for a writer that writes.</param>
    public SnapshotWriter(IBufferWriter<byte>? output = null, BboltLayout layout = default)
    {
        _file = new BboltWriter(output, layout);
        _file.BeginBucket(Buckets.Key);
    }

    /// <summary>Adds the next change of the history, in order of revision and sub.</summary>
    public void Add(in SnapshotChange change)
    {
        Span<byte> key = stackalloc byte[RevisionKey.MostBytes];
        _file.Add(RevisionKey.Write(key, change.Revision, change.Sub, change.IsTombstone), change.Encode().Span);
    }

    /// <summary>Adds the next change to a writer that measures.</summary>
    /// <param name="change">The change, of which key and value are ignored.</param>
    /// <param name="keyLength">Bytes of the key.</param>
    /// <param name="valueLength">Bytes of the value; null for a tombstone.</param>
    public void Measure(in SnapshotChange change, int keyLength, int? valueLength)
    {
        Span<byte> key = stackalloc byte[RevisionKey.MostBytes];
        int length = valueLength is { } bytes
            ? KeyRecord.EncodedLength(keyLength, bytes, change.CreateRevision, change.Revision, change.Version, change.Lease)
            : KeyRecord.EncodedLength(keyLength, 0, 0, 0, 0, 0);
        _file.Measure(RevisionKey.Write(key, change.Revision, change.Sub, valueLength is null), length);
    }

    /// <summary>Ends the file with all data beside the history.</summary>
    /// <param name="compactRevision">The compaction mark; -1 if never compacted.</param>
    /// <param name="leases">The leases, in any order.</param>
    /// <param name="auth">Users and roles, in any order.</param>
    /// <returns>The file's layout.</returns>
    public BboltLayout Finish(long compactRevision, IEnumerable<SnapshotLease> leases, SnapshotAuth auth)
    {
        _file.BeginBucket(Buckets.Lease);
        foreach (SnapshotLease lease in leases.OrderBy(lease => (ulong)lease.Id))
        {
            _file.Add(lease.EncodeKey(), lease.EncodeValue());
        }

        _file.BeginBucket(Buckets.Meta);
        if (compactRevision >= 0)
        {
            // Both marks are the same: nothing is left to be compacted.
            Span<byte> mark = RevisionKey.Write(stackalloc byte[RevisionKey.MostBytes], compactRevision, 0, isTombstone: false);
            _file.Add(Buckets.FinishedCompactRevision, mark);
            _file.Add(Buckets.ScheduledCompactRevision, mark);
        }

        _file.BeginBucket(Buckets.Auth);
        Span<byte> revision = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(revision, auth.Revision);
        _file.Add(Buckets.AuthEnabled, [auth.IsEnabled ? (byte)1 : (byte)0]);
        _file.Add(Buckets.AuthRevision, revision);
        AddRecords(Buckets.AuthRoles, auth.Roles);
        AddRecords(Buckets.AuthUsers, auth.Users);
        foreach (string bucket in Buckets.Empty)
        {
            _file.BeginBucket(bucket);
        }

        return _file.Finish();
    }

    private void AddRecords(string bucket, IEnumerable<(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Record)> records)
    {
        _file.BeginBucket(bucket);
        foreach ((ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> record) in records.OrderBy(entry => entry.Name, BytesComparer.Instance))
        {
            _file.Add(name.Span, record.Span);
        }
    }
}
