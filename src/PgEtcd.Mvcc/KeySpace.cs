using System.Collections.Immutable;
using PgEtcd.Mvcc.Trees;

namespace PgEtcd.Mvcc;

/// <summary>A version of the whole store. It is a value: it never changes, and readers need no lock.</summary>
public sealed class KeySpace
{
    internal KeySpace(long revision, long compactRevision, KeyTree keys, LeaseIndex leases)
    {
        Revision = revision;
        CompactRevision = compactRevision;
        Keys = keys;
        Leases = leases;
    }

    /// <summary>A fresh store: revision 1, nothing compacted (−1).</summary>
    public static KeySpace Empty { get; } = new(1, -1, KeyTree.Empty, LeaseIndex.Empty);

    /// <summary>The main revision of the last change.</summary>
    public long Revision { get; }

    /// <summary>Reads below it are refused; −1 if never compacted.</summary>
    public long CompactRevision { get; }

    public KeyTree Keys { get; }

    internal LeaseIndex Leases { get; }

    /// <summary>Builds the store from its current records, which also give the keys of each lease.</summary>
    public static KeySpace Load(long revision, long compactRevision, KeyTree keys) =>
        new(revision, compactRevision, keys, LeaseIndex.From(keys));

    /// <summary>The keys attached to a lease, in key order; empty if the lease has none or does not exist.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> KeysOfLease(long lease) =>
        Array.ConvertAll(Leases.KeysOf(lease).View.ToArray(), static record => record.KeyMemory);

    /// <summary>The same keys under another compact revision, which the caller has checked.</summary>
    public KeySpace WithCompactRevision(long revision) => new(Revision, revision, Keys, Leases);

    /// <summary>Answers a Range from this version, whatever revision the Range names, under the header of another revision.</summary>
    public RangeResult Range(RangeOperation operation, long headerRevision) =>
        RangeEvaluation.Evaluate(Keys.View, operation, headerRevision);

    /// <summary>Evaluates a transaction that writes nothing, whichever branch runs.</summary>
    /// <exception cref="ArgumentException">The transaction is not read-only.</exception>
    public (KvError Error, TxnResult? Result) EvaluateReadOnly(TxnOperation txn, IHistory history)
    {
        if (!txn.IsReadOnly)
        {
            throw new ArgumentException("The transaction may write.", nameof(txn));
        }

        KvError error = Fork().Evaluate(txn, ImmutableHashSet<long>.Empty, history, out OperationResult? result);
        return (error, (TxnResult?)result);
    }

    /// <summary>Starts a speculative edit.</summary>
    /// <param name="expectedChanges">An estimate of the number of changes.</param>
    public Fork Fork(int expectedChanges = 0) => new(this, expectedChanges);
}
