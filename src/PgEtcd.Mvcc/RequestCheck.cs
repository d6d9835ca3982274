namespace PgEtcd.Mvcc;

/// <summary>
/// Checks that need no state, in etcd's order: fields and operation budget of the whole transaction first, then
/// duplicate keys in the success branch, then in the failure branch.
/// </summary>
public static class RequestCheck
{
    /// <summary>The first error, or <see cref="KvError.None"/>.</summary>
    /// <param name="operation">The request.</param>
    /// <param name="maxTxnOps">etcd's --max-txn-ops: the budget of a transaction and its nested ones.</param>
    public static KvError Check(Operation operation, int maxTxnOps)
    {
        KvError error = CheckFields(operation, maxTxnOps);
        if (error != KvError.None || operation is not TxnOperation txn)
        {
            return error;
        }

        return DuplicateKeys.Exist(txn.Success) || DuplicateKeys.Exist(txn.Failure) ? KvError.DuplicateKey : KvError.None;
    }

    private static KvError CheckFields(Operation? operation, int budget) => operation switch
    {
        RangeOperation range => CheckRange(range),
        PutOperation put => CheckPut(put),
        DeleteRangeOperation delete => delete.Key.IsEmpty ? KvError.EmptyKey : KvError.None,
        TxnOperation txn => CheckTxn(txn, budget),
        RevokeLeaseOperation => KvError.None,
        // etcd's answer to a RequestOp without a request.
        _ => KvError.KeyNotFound,
    };

    private static KvError CheckRange(RangeOperation range) =>
        range.Key.IsEmpty ? KvError.EmptyKey
        : range.SortOrder is < SortOrder.None or > SortOrder.Descend ? KvError.InvalidSortOption
        : range.SortTarget is < SortTarget.Key or > SortTarget.Value ? KvError.InvalidSortOption
        : KvError.None;

    private static KvError CheckPut(PutOperation put) =>
        put.Key.IsEmpty ? KvError.EmptyKey
        : put.IgnoreValue && !put.Value.IsEmpty ? KvError.ValueProvided
        : put.IgnoreLease && put.Lease != 0 ? KvError.LeaseProvided
        : KvError.None;

    private static KvError CheckTxn(TxnOperation txn, int budget)
    {
        int used = Math.Max(txn.Compares.Length, Math.Max(txn.Success.Length, txn.Failure.Length));
        if (used > budget)
        {
            return KvError.TooManyOps;
        }

        if (Array.Exists(txn.Compares, static compare => compare.Key.IsEmpty))
        {
            return KvError.EmptyKey;
        }

        KvError error = CheckBranch(txn.Success, budget - used);
        return error != KvError.None ? error : CheckBranch(txn.Failure, budget - used);
    }

    private static KvError CheckBranch(Operation?[] branch, int budget)
    {
        foreach (Operation? operation in branch)
        {
            KvError error = CheckFields(operation, budget);
            if (error != KvError.None)
            {
                return error;
            }
        }

        return KvError.None;
    }
}
