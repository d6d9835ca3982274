using PgEtcd.Frontend.Reading;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>The alarms of the cluster (semantics.md §10), whichever frontend raised them.</summary>
/// <remarks>What is raised is part of what the log is compared with when a frontend appends (docs/decisions/0009): so a
/// frontend that has not heard of an alarm cannot write.</remarks>
public sealed class Alarms(AlarmTable table, Database database, Replica replica, Tail tail, TimeSpan timeLimit)
{
    /// <summary>The kinds that are raised, as this frontend last heard: at most half a second ago. For health checks.</summary>
    public AlarmKinds Raised => replica.State.Alarms;

    /// <summary>All that are raised now.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<IReadOnlyList<Alarm>> ListAsync() => database.InTimeAsync(timeLimit, table.ListAsync);

    /// <summary>Raises or clears an alarm. From the return on every frontend heeds it.</summary>
    /// <param name="alarm">The alarm.</param>
    /// <param name="raised">Whether it shall be raised.</param>
    /// <returns>Whether that changed anything.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<bool> SetAsync(Alarm alarm, bool raised)
    {
        bool changed = await database.InTimeAsync(timeLimit, cancel => table.SetAsync(alarm, raised, cancel));
        await tail.CatchUpAsync(); // for Raised
        return changed;
    }
}
