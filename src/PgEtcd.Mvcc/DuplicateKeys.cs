using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Ranges;

namespace PgEtcd.Mvcc;

/// <summary>
/// The rule that a key may change only once in a transaction, with the gaps of etcd's check (semantics.md §5): a delete to the end of
/// the key space and a delete of an inverted range are ignored, and the puts of a nested transaction are compared with the deletes of
/// the surrounding branch and of earlier nested transactions, not with those of later ones.
/// </summary>
internal sealed class DuplicateKeys
{
    private readonly HashSet<ReadOnlyMemory<byte>> _puts = new(BytesComparer.Instance);
    private readonly IntervalSet _deletes = new();

    /// <summary>Whether the branch changes a key twice.</summary>
    public static bool Exist(Operation?[] branch) =>
        // A single plain operation, by far the most common branch, cannot conflict with itself.
        (branch.Length > 1 || branch is [TxnOperation]) && !new DuplicateKeys().TryAdd(branch);

    /// <summary>Gathers the branch's puts and deletes; false if it puts a key twice, or puts a key that it deletes.</summary>
    private bool TryAdd(Operation?[] branch)
    {
        foreach (DeleteRangeOperation delete in branch.OfType<DeleteRangeOperation>().Where(static delete => !delete.Range.IsOpenEnded))
        {
            _deletes.Add(delete.Range);
        }

        return branch.OfType<TxnOperation>().All(TryAdd) && branch.OfType<PutOperation>().All(put => TryPut(put.Key));
    }

    private bool TryAdd(TxnOperation txn)
    {
        DuplicateKeys success = new();
        DuplicateKeys failure = new();
        // Only one of the two branches will run, so they may share keys.
        if (!success.TryAdd(txn.Success) || !failure.TryAdd(txn.Failure)
            || !success._puts.Union(failure._puts, BytesComparer.Instance).All(TryPut))
        {
            return false;
        }

        _deletes.Add(success._deletes);
        _deletes.Add(failure._deletes);
        return true;
    }

    private bool TryPut(ReadOnlyMemory<byte> key) => !_deletes.Contains(key) && _puts.Add(key);
}
