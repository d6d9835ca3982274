using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Writing;

/// <summary>What a write adds to the store, as etcd reckons it for its quota, and which alarms refuse it (semantics.md §10).</summary>
public static class WriteCost
{
    /// <summary>Of a lease, bytes.</summary>
    public const long OfLease = 64;

    /// <summary>Bytes that a request adds: of a transaction the dearer branch. 0 if it puts nothing, whichever branch runs.</summary>
    public static long Of(Operation? operation) => operation switch
    {
        PutOperation put => RecentEvents.Overhead + put.Key.Length + put.Value.Length,
        TxnOperation txn => Math.Max(txn.Success.Sum(Of), txn.Failure.Sum(Of)),
        _ => 0,
    };

    /// <summary>Why an operation that changes something is refused; null if it is not.</summary>
    internal static EtcdError? Refusal(Operation operation, AlarmKinds alarms) =>
        alarms.HasFlag(AlarmKinds.Corrupt) ? EtcdErrors.Corrupt
        : alarms.HasFlag(AlarmKinds.NoSpace) && Of(operation) > 0 ? EtcdErrors.NoSpace
        : null;
}
