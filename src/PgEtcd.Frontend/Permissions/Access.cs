using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Permissions;

/// <summary>Whether a caller may do what a request asks for: one walk over the whole request, with nested transactions, both branches and
/// compares (CVE-2026-33343), in etcd's order.</summary>
public static class Access
{
    /// <summary>The first refusal; null if the caller may do everything.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="operation">The operation; null for one that the request leaves unset.</param>
    /// <param name="attached">Gives the keys of a lease, in the state on which the request is decided.</param>
    public static EtcdError? Check(
        Caller caller, Operation? operation, Func<long, IEnumerable<ReadOnlyMemory<byte>>> attached) => operation switch
        {
            _ when !caller.IsChecked => null,
            RangeOperation range => caller.CheckRead(range.Range),
            PutOperation put => CheckPut(caller, put, attached),
            DeleteRangeOperation delete => caller.CheckWrite(delete.Range) ?? (delete.PrevKv ? caller.CheckRead(delete.Range) : null),
            TxnOperation txn => CheckTxn(caller, txn, attached),
            RevokeLeaseOperation revoke => caller.CheckUser() ?? CheckWriteOf(caller, attached(revoke.Lease)),
            _ => null,
        };

    /// <summary>The refusal of the first key that may not be written; null if all may.</summary>
    public static EtcdError? CheckWriteOf(Caller caller, IEnumerable<ReadOnlyMemory<byte>> keys) =>
        CheckAll(keys, key => caller.CheckWrite(new KeyRange(key, default)));

    /// <summary>The refusal of the first key that may not be read; null if all may.</summary>
    public static EtcdError? CheckReadOf(Caller caller, IEnumerable<ReadOnlyMemory<byte>> keys) =>
        CheckAll(keys, key => caller.CheckRead(new KeyRange(key, default)));

    /// <summary>Attaching a key to a lease can lead to the deletion of all the lease's keys.</summary>
    private static EtcdError? CheckPut(Caller caller, PutOperation put, Func<long, IEnumerable<ReadOnlyMemory<byte>>> attached)
    {
        KeyRange key = new(put.Key, default);
        return caller.CheckWrite(key)
            ?? (put.Lease != 0 ? CheckWriteOf(caller, attached(put.Lease)) : null)
            ?? (put.PrevKv ? caller.CheckRead(key) : null);
    }

    private static EtcdError? CheckTxn(Caller caller, TxnOperation txn, Func<long, IEnumerable<ReadOnlyMemory<byte>>> attached) =>
        CheckAll(txn.Compares, compare => caller.CheckRead(compare.Range))
            ?? CheckAll(txn.Success.Concat(txn.Failure), operation => Check(caller, operation, attached));

    private static EtcdError? CheckAll<T>(IEnumerable<T> items, Func<T, EtcdError?> check) =>
        items.Select(check).FirstOrDefault(static error => error is not null);
}
