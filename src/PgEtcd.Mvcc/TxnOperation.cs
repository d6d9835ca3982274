using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc;

/// <summary>A transaction. An operation that is null is a RequestOp whose oneof is not set.</summary>
public sealed class TxnOperation : Operation
{
    public Compare[] Compares { get; init; } = [];

    public Operation?[] Success { get; init; } = [];

    public Operation?[] Failure { get; init; } = [];

    /// <summary>True when both branches contain only ranges at the top level. A nested transaction counts as a write, whatever it
    /// contains.</summary>
    public bool IsReadOnly => All(static operation => operation is RangeOperation);

    /// <summary>Whether it is read-only with serializable ranges: a transaction of compares only is a serializable read.</summary>
    public bool IsSerializable => All(static operation => operation is RangeOperation { Serializable: true });

    /// <inheritdoc/>
    public override IEnumerable<Operation> Parts => Success.Concat(Failure).OfType<Operation>().SelectMany(operation => operation.Parts);

    private bool All(Predicate<Operation?> predicate) => Array.TrueForAll(Success, predicate) && Array.TrueForAll(Failure, predicate);
}

/// <summary>Wire numbers of Compare.CompareResult; with an unknown number the compare is true.</summary>
public enum CompareResult
{
    Equal = 0,
    Greater = 1,
    Less = 2,
    NotEqual = 3,
}

/// <summary>Wire numbers of Compare.CompareTarget; with an unknown number both sides count as equal.</summary>
public enum CompareTarget
{
    Version = 0,
    Create = 1,
    Mod = 2,
    Value = 3,
    Lease = 4,
}

/// <summary>A guard of a transaction.</summary>
public sealed class Compare
{
    public CompareResult Result { get; init; }

    public CompareTarget Target { get; init; }

    public ReadOnlyMemory<byte> Key { get; init; }

    public ReadOnlyMemory<byte> RangeEnd { get; init; }

    /// <summary>The operand for version, create and mod revision and lease; 0 if the oneof does not match the target.</summary>
    public long Number { get; init; }

    /// <summary>The operand for the value; empty if the oneof does not match the target.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    public KeyRange Range => new(Key, RangeEnd);
}
