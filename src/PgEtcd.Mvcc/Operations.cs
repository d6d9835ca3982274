using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc;

/// <summary>A request as a plain value, with the meaning of the message of the same name in etcd's KV service.</summary>
public abstract class Operation
{
    /// <summary>The operation itself or, for a transaction, the set operations of both branches at any depth.</summary>
    public virtual IEnumerable<Operation> Parts => [this];
}

/// <summary>Wire numbers of RangeRequest.SortOrder; unknown numbers are kept.</summary>
public enum SortOrder
{
    None = 0,
    Ascend = 1,
    Descend = 2,
}

/// <summary>Wire numbers of RangeRequest.SortTarget; unknown numbers are kept.</summary>
public enum SortTarget
{
    Key = 0,
    Version = 1,
    Create = 2,
    Mod = 3,
    Value = 4,
}

public sealed class RangeOperation : Operation
{
    public ReadOnlyMemory<byte> Key { get; init; }

    public ReadOnlyMemory<byte> RangeEnd { get; init; }

    /// <summary>Most records to return; 0 or less for no limit.</summary>
    public long Limit { get; init; }

    /// <summary>0 or less for the current revision (in a transaction, a negative number is refused after any compaction).</summary>
    public long Revision { get; init; }

    public SortOrder SortOrder { get; init; }

    public SortTarget SortTarget { get; init; }

    public bool KeysOnly { get; init; }

    public bool CountOnly { get; init; }

    public bool Serializable { get; init; }

    /// <summary>Inclusive; 0 for none. The same holds for the three bounds below.</summary>
    public long MinModRevision { get; init; }

    public long MaxModRevision { get; init; }

    public long MinCreateRevision { get; init; }

    public long MaxCreateRevision { get; init; }

    public KeyRange Range => new(Key, RangeEnd);

    /// <summary>Whether any of the four bounds is set.</summary>
    public bool HasFilter => (MinModRevision | MaxModRevision | MinCreateRevision | MaxCreateRevision) != 0;
}

public sealed class PutOperation : Operation
{
    public ReadOnlyMemory<byte> Key { get; init; }

    public ReadOnlyMemory<byte> Value { get; init; }

    public long Lease { get; init; }

    public bool PrevKv { get; init; }

    public bool IgnoreValue { get; init; }

    public bool IgnoreLease { get; init; }
}

public sealed class DeleteRangeOperation : Operation
{
    public ReadOnlyMemory<byte> Key { get; init; }

    public ReadOnlyMemory<byte> RangeEnd { get; init; }

    public bool PrevKv { get; init; }

    public KeyRange Range => new(Key, RangeEnd);
}

/// <summary>
/// Deletes every key attached to the lease, in key order, in one revision. Answered by a <see cref="DeleteRangeResult"/>.
/// The key space does not know whether the lease exists.
/// </summary>
public sealed class RevokeLeaseOperation : Operation
{
    public long Lease { get; init; }
}
