using PgEtcd.Mvcc;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Writing;

/// <summary>Notes what the evaluation of a write reads (<see cref="AppendBatch.Read"/>). As long as others change nothing of that, the
/// write makes the same changes at any position of the log (docs/decisions/0020). The keys that it changes are in the batch.</summary>
internal static class ReadSet
{
    /// <summary>Notes what a write is about to read.</summary>
    /// <param name="append">The batch to note it in.</param>
    /// <param name="operation">The write.</param>
    /// <param name="fork">The state that it is about to be evaluated on.</param>
    public static void Note(AppendBatch append, Operation? operation, Fork fork)
    {
        switch (operation)
        {
            case DeleteRangeOperation delete:
                append.Read(delete.Range);
                break;
            case RangeOperation { Revision: > 0 } or RevokeLeaseOperation:
                // Whether the revision is in the future depends on the position of the log; any key may have been attached to the lease.
                append.Fix();
                break;
            case RangeOperation range:
                append.Read(range.Range);
                break;
            case TxnOperation txn:
                NoteTxn(append, txn, fork);
                break;
        }
    }

    private static void NoteTxn(AppendBatch append, TxnOperation txn, Fork fork)
    {
        foreach (Compare compare in txn.Compares)
        {
            append.Read(compare.Range);
            // The revisions of keys that this batch has changed move with the batch; the number that they are compared with does not.
            if (compare.Target is CompareTarget.Mod or CompareTarget.Create && fork.HasChanged(compare.Range))
            {
                append.Fix();
            }
        }

        foreach (Operation? operation in txn.Success)
        {
            Note(append, operation, fork);
        }

        foreach (Operation? operation in txn.Failure)
        {
            Note(append, operation, fork);
        }
    }
}
