using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;

namespace PgEtcd.Mvcc;

/// <summary>Evaluates a request on a fork. Transactions are executed here and nowhere else.</summary>
internal readonly struct Evaluation(Fork fork, IReadOnlySet<long> missingLeases, IHistory history)
{
    private readonly long _begin = fork.Revision;

    /// <summary>The revision that reads see; also that of all headers but the transactions' own.</summary>
    private long Current => fork.Changes > 0 ? _begin + 1 : _begin;

    public KvError Run(Operation operation, out OperationResult? result)
    {
        result = null;
        switch (operation)
        {
            case PutOperation put:
                return IsLeaseMissing(put) ? KvError.LeaseNotFound : Put(put, out result);
            case TxnOperation txn:
                List<bool> decisions = new();
                CompareEvaluation.Decide(fork.Keys, txn, decisions);
                int next = 0;
                KvError error = Check(txn, decisions, ref next);
                if (error != KvError.None)
                {
                    return error;
                }

                next = 0;
                long size = 0;
                return Execute(txn, decisions, ref next, ref size, isNested: false, out result);
            case RangeOperation range:
                // A range outside of a transaction takes a negative revision as the current one; within a transaction that holds
                // before any compaction.
                error = range.Revision < 0 ? KvError.None : CheckRange(range);
                return error != KvError.None ? error : Range(range, out result);
            default:
                error = ExecuteSimple(operation, out result);
                AnswerTooLargeException.Add(0, result?.AnswerBytes ?? 0, fork.MostAnswerBytes);
                return error;
        }
    }

    /// <summary>
    /// Checks the operations that will run, in their order at every depth, on the state before the transaction (semantics.md §5).
    /// </summary>
    private KvError Check(TxnOperation txn, List<bool> decisions, ref int next)
    {
        foreach (Operation? operation in decisions[next++] ? txn.Success : txn.Failure)
        {
            KvError error = operation switch
            {
                RangeOperation range => CheckRange(range),
                PutOperation put => CheckPut(put),
                TxnOperation nested => Check(nested, decisions, ref next),
                _ => KvError.None,
            };
            if (error != KvError.None)
            {
                return error;
            }
        }

        return KvError.None;
    }

    private KvError CheckRange(RangeOperation range) =>
        range.Revision > _begin ? KvError.FutureRevision
        // Before the first compaction the compact revision is −1, which lets a revision of −1 through.
        : range.Revision != 0 && range.Revision < fork.CompactRevision ? KvError.Compacted
        : KvError.None;

    /// <summary>Looks for the key before the lease, unlike a plain put.</summary>
    private KvError CheckPut(PutOperation put) =>
        (put.IgnoreValue || put.IgnoreLease) && fork.Keys.Find(put.Key.Span) is null ? KvError.KeyNotFound
        : IsLeaseMissing(put) ? KvError.LeaseNotFound
        : KvError.None;

    private bool IsLeaseMissing(PutOperation put) => put.Lease != 0 && missingLeases.Contains(put.Lease);

    private KvError Execute(TxnOperation txn, List<bool> decisions, ref int next, ref long size, bool isNested, out OperationResult? result)
    {
        result = null;
        bool succeeded = decisions[next++];
        Operation?[] branch = succeeded ? txn.Success : txn.Failure;
        OperationResult[] results = new OperationResult[branch.Length];
        for (int i = 0; i < results.Length; i++)
        {
            KvError error = branch[i] is TxnOperation nested
                ? Execute(nested, decisions, ref next, ref size, isNested: true, out OperationResult? one)
                : ExecuteSimple(branch[i], out one);
            if (error != KvError.None)
            {
                return error;
            }

            // A small request may name the same range many times.
            size = AnswerTooLargeException.Add(size, one!.AnswerBytes, fork.MostAnswerBytes);
            results[i] = one;
        }

        result = new TxnResult(isNested ? 0 : Current, succeeded, results);
        return KvError.None;
    }

    private KvError ExecuteSimple(Operation? operation, out OperationResult? result)
    {
        switch (operation)
        {
            case RangeOperation range:
                return Range(range, out result);
            case PutOperation put:
                return Put(put, out result);
            case DeleteRangeOperation delete:
                result = Delete(fork.Keys.Slice(delete.Range), delete.PrevKv);
                return KvError.None;
            case RevokeLeaseOperation revoke:
                result = Delete(fork.KeysOfLease(revoke.Lease), withPrevious: false);
                return KvError.None;
            default:
                throw new ArgumentException("The operation has not been checked.", nameof(operation));
        }
    }

    private KvError Range(RangeOperation range, out OperationResult? result)
    {
        KeyView? keys = range.Revision <= 0 || (range.Revision == _begin && fork.Changes == 0) ? fork.Keys : fork.At(range.Revision);
        result = keys is { } known ? RangeEvaluation.Evaluate(known, range, Current) : history.Range(range, Current);
        return result is null ? KvError.HistoryNeeded : KvError.None;
    }

    private KvError Put(PutOperation put, out OperationResult? result)
    {
        result = null;
        KeyRecord? previous = fork.Keys.Find(put.Key.Span);
        // Within a transaction this happens only where etcd panics: a delete to the end of the key space before this put
        // has removed the key that was there when the transaction was checked.
        if (previous is null && (put.IgnoreValue || put.IgnoreLease))
        {
            return KvError.KeyNotFound;
        }

        long revision = _begin + 1;
        fork.Put(new KeyRecord(
            put.Key.Span,
            put.IgnoreValue ? previous!.Value : put.Value.Span,
            previous?.CreateRevision ?? revision,
            revision,
            fork.Changes,
            (previous?.Version ?? 0) + 1,
            put.IgnoreLease ? previous!.Lease : put.Lease));
        result = new PutResult(revision, put.PrevKv ? previous : null);
        return KvError.None;
    }

    private DeleteRangeResult Delete(KeyRecord[] records, bool withPrevious)
    {
        foreach (KeyRecord record in records)
        {
            fork.Delete(record.Key, _begin + 1, fork.Changes);
        }

        return new DeleteRangeResult(Current, records.Length, withPrevious ? records : []);
    }
}
