using PgEtcd.Postgres.Alarms;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>--quota-backend-bytes: the room that the store may take. What would exceed it raises the alarm NOSPACE, as in etcd
/// (semantics.md §10); but what counts is the room in use, as a file of PostgreSQL does not shrink (docs/decisions/0009).</summary>
/// <remarks>No write waits to be measured as long as the last measurement, with all that was written since and all that is under way,
/// shows room; only before one is refused the store is measured.</remarks>
/// <param name="limit">Bytes; 0 or less: no quota.</param>
/// <param name="sizes">Measures.</param>
/// <param name="alarms">Raises.</param>
public sealed class Quota(long limit, StorageSizes sizes, Alarms alarms)
{
    /// <summary>How old a measurement may be before a write has it made anew, for what is no part of the log and for what was
    /// removed.</summary>
    private static readonly TimeSpan MostAge = TimeSpan.FromSeconds(5);

    /// <summary>While the alarm is raised, a refusal may rest on a measurement of this age: clients that try again and again must not keep
    /// the database busy.</summary>
    private static readonly TimeSpan RefusalAge = TimeSpan.FromMilliseconds(250);

    private long _reserved;
    private Task _refreshing = Task.CompletedTask;

    /// <summary>Bytes; 0: no quota.</summary>
    public long Limit { get; } = Math.Max(0, limit);

    /// <summary>Whether there may be no room: writes must ask.</summary>
    public bool IsOn => Limit > 0 || alarms.IsUnstored;

    /// <summary>Takes room for a write, until what is returned is disposed of: by then the write is answered and counted.</summary>
    /// <param name="cost">See <c>WriteCost</c>; what costs nothing always has room.</param>
    /// <returns>Null: there is no room, and the alarm has been raised.</returns>
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
                _refreshing = sizes.RefreshAsync(); // not for each write: those would share one more measurement
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

    /// <summary>Room that a write has.</summary>
    public sealed class Room : IDisposable
    {
        private readonly Quota _quota;
        private readonly long _cost;

        internal Room(Quota quota, long cost) => (_quota, _cost) = (quota, cost);

        /// <inheritdoc/>
        public void Dispose() => Interlocked.Add(ref _quota._reserved, -_cost);
    }
}
