using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Ranges;

namespace PgEtcd.Mvcc;

/// <summary>
/// The rule that a key may change only once in a transaction, with the gaps of etcd's check (semantics.md §5): a delete to the end of
/// the key space and a delete of an inverted range are ignored, and the puts of a nested transaction are compared with the deletes of
/// the surrounding branch and of earlier nested transactions, not with those of later ones.
/// </summary>
internal static class DuplicateKeys
{
    /// <summary>Whether the branch changes a key twice.</summary>
    public static bool Exist(IReadOnlyList<Operation?> branch)
    {
        // A single plain operation, by far the most common branch, cannot conflict with itself.
        if (branch.Count == 0 || (branch.Count == 1 && branch[0] is not TxnOperation))
        {
            return false;
        }

        return !TryCollect(branch, out _, out _);
    }

    /// <summary>Gathers the branch's puts and deletes; false if it puts a key twice, or puts a key that it deletes.</summary>
    private static bool TryCollect(IReadOnlyList<Operation?> branch, out HashSet<ReadOnlyMemory<byte>> puts, out IntervalSet deletes)
    {
        puts = new HashSet<ReadOnlyMemory<byte>>(BytesComparer.Instance);
        deletes = new IntervalSet();
        foreach (Operation? operation in branch)
        {
            if (operation is DeleteRangeOperation delete)
            {
                deletes.Add(delete.Key, delete.RangeEnd);
            }
        }

        foreach (Operation? operation in branch)
        {
            if (operation is TxnOperation txn && !TryCollectNested(txn, puts, deletes))
            {
                return false;
            }
        }

        foreach (Operation? operation in branch)
        {
            if (operation is PutOperation put && (deletes.Contains(put.Key.Span) || !puts.Add(put.Key)))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryCollectNested(TxnOperation txn, HashSet<ReadOnlyMemory<byte>> puts, IntervalSet deletes)
    {
        if (!TryCollect(txn.Success, out HashSet<ReadOnlyMemory<byte>> successPuts, out IntervalSet successDeletes)
            || !TryCollect(txn.Failure, out HashSet<ReadOnlyMemory<byte>> failurePuts, out IntervalSet failureDeletes))
        {
            return false;
        }

        foreach (ReadOnlyMemory<byte> key in successPuts)
        {
            if (deletes.Contains(key.Span) || !puts.Add(key))
            {
                return false;
            }
        }

        foreach (ReadOnlyMemory<byte> key in failurePuts)
        {
            // Only one of the two branches will run, so they may share keys.
            if (!successPuts.Contains(key) && (deletes.Contains(key.Span) || !puts.Add(key)))
            {
                return false;
            }
        }

        deletes.Add(successDeletes);
        deletes.Add(failureDeletes);
        return true;
    }
}
