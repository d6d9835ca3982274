using PgEtcd.Frontend.Reading;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>The alarms of the cluster (semantics.md §10), whichever frontend raised them.</summary>
/// <remarks>Appends are conditional on the raised alarms (docs/decisions/0009), so a frontend that has not heard of an alarm cannot write.
/// If PostgreSQL's disk is full, there may be no room to store the alarm about that: it then holds on this frontend until it can be stored
/// or is cleared.</remarks>
/// <param name="table">The alarms.</param>
/// <param name="database">The database of the cluster.</param>
/// <param name="replica">Holds the raised kinds.</param>
/// <param name="tail">Brings the replica up to date.</param>
/// <param name="self">Gives the id under which this frontend raises alarms.</param>
/// <param name="timeLimit">How long a change may take.</param>
/// <param name="logger">Logs a full disk.</param>
public sealed class Alarms(
    AlarmTable table, Database database, Replica replica, Tail tail, Func<long> self, TimeSpan timeLimit, ILogger<Alarms> logger)
    : IDisposable
{
    private static readonly TimeSpan StorePeriod = TimeSpan.FromSeconds(1);

    /// <summary>Changes are made one after the other: an alarm that is stored late must not undo a clearing.</summary>
    private readonly SemaphoreSlim _turn = new(1);
    private volatile bool _isUnstored;

    /// <summary>Whether PostgreSQL's disk is full and the alarm that says so is not stored yet.</summary>
    public bool IsUnstored => _isUnstored;

    /// <summary>The kinds that are raised as this frontend last heard, normally at most half a second ago.</summary>
    public AlarmKinds Raised => replica.State.Alarms | (_isUnstored ? AlarmKinds.NoSpace : AlarmKinds.None);

    private Alarm Own => new(self(), Alarm.NoSpace);

    /// <summary>All alarms that are raised now.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<IReadOnlyList<Alarm>> ListAsync()
    {
        IReadOnlyList<Alarm> stored = await database.InTimeAsync(timeLimit, table.ListAsync);
        return _isUnstored && !stored.Contains(Own) ? [.. stored, Own] : stored;
    }

    /// <summary>Raises or clears an alarm. Every frontend obeys the change once this has returned.</summary>
    /// <param name="alarm">The alarm.</param>
    /// <param name="raised">Whether to raise it.</param>
    /// <returns>Whether that changed anything.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<bool> SetAsync(Alarm alarm, bool raised) => _turn.InTurnAsync(() => SetInTurnAsync(alarm, raised));

    /// <summary>Raises NOSPACE unless it is raised. This frontend then obeys it, and so do all others if it could be stored.</summary>
    public async Task RaiseNoSpaceAsync()
    {
        if (!Raised.HasFlag(AlarmKinds.NoSpace))
        {
            _isUnstored = true;
            await StoreAsync();
        }
    }

    /// <summary>Notes that PostgreSQL refused a write because its disk is full. The alarm holds on this frontend at once.</summary>
    public void DiskIsFull()
    {
        if (!Raised.HasFlag(AlarmKinds.NoSpace))
        {
            _isUnstored = true;
            Log.DiskFull(logger);
        }
    }

    /// <summary>Stores the alarm that could not be stored before; runs until cancelled.</summary>
    public Task RunAsync(CancellationToken stopping) =>
        new BackgroundLoop("storing the alarm NOSPACE", TimeProvider.System, logger).RunAsync(StorePeriod, _ => StoreAsync(), stopping);

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async Task StoreAsync()
    {
        try
        {
            if (_isUnstored)
            {
                await _turn.InTurnAsync(async () => _isUnstored && await SetInTurnAsync(Own, raised: true));
            }
        }
        catch (Exception exception) when (exception is StoreUnavailableException || DatabaseErrors.IsOutOfSpace(exception))
        {
            // The next turn tries again.
        }
    }

    private async Task<bool> SetInTurnAsync(Alarm alarm, bool raised)
    {
        bool changed = await database.InTimeAsync(timeLimit, cancel => table.SetAsync(alarm, raised, cancel));
        await tail.CatchUpAsync(); // for Raised
        if (alarm == Own)
        {
            changed |= _isUnstored;
            _isUnstored = false;
        }

        return changed;
    }
}
