using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Snapshots;

/// <summary>An entry of the history: a put or a delete.</summary>
/// <param name="Revision">Main revision.</param>
/// <param name="Sub">Sub revision.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value, or null for a tombstone.</param>
/// <param name="CreateRevision">As of this change; 0 for a tombstone.</param>
/// <param name="Version">As of this change; 0 for a tombstone.</param>
/// <param name="Lease">The attached lease, or 0.</param>
public readonly record struct SnapshotChange(
    long Revision, int Sub, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte>? Value, long CreateRevision, long Version, long Lease)
{
    private const int KeyField = 1;
    private const int CreateRevisionField = 2;
    private const int ModRevisionField = 3;
    private const int VersionField = 4;
    private const int ValueField = 5;
    private const int LeaseField = 6;

    /// <summary>Whether the change deletes its key.</summary>
    public bool IsTombstone => Value is null;

    /// <summary>The mvccpb.KeyValue that etcd stores for it; for a tombstone it has the key only.</summary>
    public ReadOnlyMemory<byte> Encode() => Value is { } value
        ? new KeyRecord(Key.Span, value.Span, CreateRevision, Revision, Sub, Version, Lease).Encoded
        : new KeyRecord(Key.Span, [], 0, 0, 0, 0, 0).Encoded;

    /// <summary>Reads an entry of the bucket <c>key</c>; null if etcd could not have written it.</summary>
    /// <param name="revisionKey">Its key.</param>
    /// <param name="keyValue">Its value, an mvccpb.KeyValue.</param>
    public static SnapshotChange? Decode(ReadOnlySpan<byte> revisionKey, ReadOnlyMemory<byte> keyValue)
    {
        if (!RevisionKey.TryRead(revisionKey, out long revision, out long sub, out bool isTombstone) || sub > int.MaxValue)
        {
            return null;
        }

        SnapshotChange change = new(
            revision, (int)sub, default, isTombstone ? default(ReadOnlyMemory<byte>?) : ReadOnlyMemory<byte>.Empty, 0, 0, 0);
        long modRevision = 0;
        ProtoReader reader = new(keyValue);
        while (reader.Next())
        {
            modRevision = reader.Field == ModRevisionField ? reader.Number : modRevision;
            change = reader.Field switch
            {
                KeyField => change with { Key = reader.Bytes },
                CreateRevisionField => change with { CreateRevision = reader.Number },
                VersionField => change with { Version = reader.Number },
                ValueField => change with { Value = reader.Bytes },
                LeaseField => change with { Lease = reader.Number },
                _ => change, // the mod revision, or a field of a later etcd
            };
        }

        bool isSound = isTombstone
            ? change.Value is null && !change.Key.IsEmpty
            : keyValue.IsEmpty || (!change.Key.IsEmpty && modRevision == revision && change.Version >= 1
                && change.CreateRevision >= 1 && change.CreateRevision <= revision);
        return isSound && !reader.IsBroken ? change : null;
    }
}
