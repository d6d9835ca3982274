using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>--quota-backend-bytes: the room that the store may take. What would exceed it raises the alarm NOSPACE, as in etcd
/// (semantics.md §10); but what counts is the room in use, as a file of PostgreSQL does not shrink (docs/decisions/0009).</summary>
/// <param name="limit">Bytes; 0 or less: no quota.</param>
/// <param name="sizes">Measures.</param>
/// <param name="alarms">Raises.</param>
/// <param name="self">Gives the id under which this frontend raises alarms.</param>
public sealed class Quota(long limit, StorageSizes sizes, Alarms alarms, Func<long> self)
{
    /// <summary>Bytes; 0: no quota.</summary>
    public long Limit { get; } = Math.Max(0, limit);

    /// <summary>Whether there is one.</summary>
    public bool IsOn => Limit > 0;

    /// <summary>Whether there is room for a write. If not, the alarm has been raised.</summary>
    /// <param name="cost">See <c>WriteCost</c>; what costs nothing always has room.</param>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<bool> AdmitsAsync(long cost)
    {
        // No write waits to be measured as long as the last measurement showed room; only before one is refused the
        // measure must be fresh. So a write may exceed the quota by what is written within a second.
        if (!IsOn || cost == 0)
        {
            return true;
        }

        Task<StorageReport> measuring = sizes.GetAsync();
        if (sizes.Latest is { } known && known.InUse + cost < Limit)
        {
            _ = measuring.ContinueWith(static measured => measured.Exception, TaskScheduler.Default); // the next asks again
            return true;
        }

        if ((await measuring).InUse + cost < Limit)
        {
            return true;
        }

        if (!alarms.Raised.HasFlag(AlarmKinds.NoSpace))
        {
            await alarms.SetAsync(new Alarm(self(), Alarm.NoSpace), raised: true);
        }

        return false;
    }
}
