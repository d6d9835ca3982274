using PgEtcd.Postgres.Alarms;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>--quota-backend-bytes: the room that the store may take. A write that would exceed it raises the alarm NOSPACE, as in etcd
/// (semantics.md §10); but only the room in use counts, because PostgreSQL's files do not shrink (docs/decisions/0009).</summary>
/// <remarks>No write waits for a measurement as long as the last one, plus everything written since and everything under way, leaves room.
/// A write waits for a new measurement only if it would otherwise be refused.</remarks>
/// <param name="limit">Bytes; 0 or less: no quota.</param>
/// <param name="sizes">Measures the store.</param>
/// <param name="alarms">Raises the alarm.</param>
public sealed class Quota(long limit, StorageSizes sizes, Alarms alarms)
{
    /// <summary>Age from which on a write starts a new measurement, to account for removed rows and data outside the log.</summary>
    private static readonly TimeSpan MostAge = TimeSpan.FromSeconds(5);

    /// <summary>While the alarm is raised, a refusal may rest on a measurement of this age: clients that try again and again must not keep
    /// the database busy.</summary>
    private static readonly TimeSpan RefusalAge = TimeSpan.FromMilliseconds(250);

    private long _reserved;
    private Task _refreshing = Task.CompletedTask;

    /// <summary>Bytes; 0: no quota.</summary>
    public long Limit { get; } = Math.Max(0, limit);

    /// <summary>Whether writes must reserve room.</summary>
    public bool IsOn => Limit > 0 || alarms.IsUnstored;

    /// <summary>Reserves room for a write until the result is disposed of: by then the write is answered and counted.</summary>
    /// <param name="cost">See <c>WriteCost</c>; a write that costs nothing always has room.</param>
    /// <returns>Null if there is no room; the alarm has been raised.</returns>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public async ValueTask<Room?> ReserveAsync(long cost)
    {
        if (cost > 0 && alarms.IsUnstored)
        {
            return null; // PostgreSQL's disk is full
        }

        if (cost == 0 || Limit == 0)
        {
            return new Room(this, 0);
        }

        if (TryReserve(cost))
        {
            if (sizes.Age > MostAge && _refreshing.IsCompleted)
            {
                _refreshing = sizes.RefreshAsync(); // not for each write: the later ones would start one more measurement
            }

            return new Room(this, cost);
        }

        bool isRaised = alarms.Raised.HasFlag(AlarmKinds.NoSpace);
        if (!isRaised || sizes.Age > RefusalAge)
        {
            await sizes.MeasureAsync();
            if (TryReserve(cost))
            {
                return new Room(this, cost);
            }
        }

        if (!isRaised)
        {
            await alarms.RaiseNoSpaceAsync();
        }

        return null;
    }

    private bool TryReserve(long cost)
    {
        if (sizes.InUse is not { } inUse)
        {
            return false;
        }

        while (true)
        {
            long reserved = Volatile.Read(ref _reserved);
            if (inUse + reserved + cost >= Limit)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _reserved, reserved + cost, reserved) == reserved)
            {
                return true;
            }
        }
    }

    /// <summary>Room that is reserved for a write.</summary>
    public sealed class Room(Quota quota, long cost) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => Interlocked.Add(ref quota._reserved, -cost);
    }
}
