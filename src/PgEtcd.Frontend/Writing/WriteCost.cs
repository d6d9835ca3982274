using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Writing;

/// <summary>The size that a write adds to the store, by etcd's estimate, and the alarms that refuse writes (semantics.md §10).</summary>
public static class WriteCost
{
    /// <summary>Cost of a lease, bytes.</summary>
    public const long OfLease = 64;

    /// <summary>Cost of a request, bytes; for a transaction, that of the more expensive branch. 0 if no branch puts anything.</summary>
    public static long Of(Operation? operation) => operation switch
    {
        PutOperation put => RecentEvents.Overhead + put.Key.Length + put.Value.Length,
        TxnOperation txn => Math.Max(txn.Success.Sum(Of), txn.Failure.Sum(Of)),
        _ => 0,
    };

    /// <summary>The error of an alarm that refuses a changing operation; null if there is none.</summary>
    internal static EtcdError? Refusal(Operation operation, AlarmKinds alarms) =>
        alarms.HasFlag(AlarmKinds.Corrupt) ? EtcdErrors.Corrupt
        : alarms.HasFlag(AlarmKinds.NoSpace) && Of(operation) > 0 ? EtcdErrors.NoSpace
        : null;
}
