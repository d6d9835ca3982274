using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Permissions;

/// <summary>Whether a caller may do what a request asks for: one walk over all of it, nested transactions, both branches and
/// compares included (CVE-2026-33343), in etcd's order.</summary>
public static class Access
{
    /// <summary>The first refusal.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="operation">For what; null is an operation that is not set.</param>
    /// <param name="attached">The keys of a lease, in the state that the request is decided on.</param>
    public static KvError Check(
        Caller caller, Operation? operation, Func<long, IEnumerable<ReadOnlyMemory<byte>>> attached) => operation switch
        {
            _ when !caller.IsChecked => KvError.None,
            RangeOperation range => caller.CheckRead(range.Range),
            PutOperation put => CheckPut(caller, put, attached),
            DeleteRangeOperation delete => First(
                caller.CheckWrite(delete.Range), delete.PrevKv ? caller.CheckRead(delete.Range) : KvError.None),
            TxnOperation txn => CheckTxn(caller, txn, attached),
            RevokeLeaseOperation revoke => First(caller.CheckUser(), CheckWriteOf(caller, attached(revoke.Lease))),
            _ => KvError.None,
        };

    /// <summary>Whether all these keys may be written.</summary>
    public static KvError CheckWriteOf(Caller caller, IEnumerable<ReadOnlyMemory<byte>> keys) =>
        CheckAll(keys, key => caller.CheckWrite(new KeyRange(key, default)));

    /// <summary>Whether all these keys may be read.</summary>
    public static KvError CheckReadOf(Caller caller, IEnumerable<ReadOnlyMemory<byte>> keys) =>
        CheckAll(keys, key => caller.CheckRead(new KeyRange(key, default)));

    /// <summary>Attaching a key to a lease can lead to the deletion of all the lease's keys.</summary>
    private static KvError CheckPut(Caller caller, PutOperation put, Func<long, IEnumerable<ReadOnlyMemory<byte>>> attached)
    {
        KeyRange key = new(put.Key, default);
        KvError error = caller.CheckWrite(key);
        if (error == KvError.None && put.Lease != 0)
        {
            error = CheckWriteOf(caller, attached(put.Lease));
        }

        return error == KvError.None && put.PrevKv ? caller.CheckRead(key) : error;
    }

    private static KvError CheckTxn(Caller caller, TxnOperation txn, Func<long, IEnumerable<ReadOnlyMemory<byte>>> attached)
    {
        foreach (Compare compare in txn.Compares)
        {
            if (caller.CheckRead(compare.Range) is not KvError.None and var error)
            {
                return error;
            }
        }

        foreach (Operation? operation in txn.Success.Concat(txn.Failure))
        {
            if (Check(caller, operation, attached) is not KvError.None and var error)
            {
                return error;
            }
        }

        return KvError.None;
    }

    private static KvError CheckAll(IEnumerable<ReadOnlyMemory<byte>> keys, Func<ReadOnlyMemory<byte>, KvError> check) =>
        keys.Select(check).FirstOrDefault(error => error != KvError.None);

    private static KvError First(KvError first, KvError second) => first != KvError.None ? first : second;
}
