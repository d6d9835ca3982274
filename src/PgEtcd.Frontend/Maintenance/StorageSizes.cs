using PgEtcd.Frontend.Reading;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>The size of the store. One measurement is under way at a time; callers that arrive meanwhile share the next.</summary>
public sealed class StorageSizes
{
    /// <summary>Time limit of a measurement, short because a status can be answered without one.</summary>
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(2);

    /// <summary>How long a page waits for a measurement that it can do without.</summary>
    private static readonly TimeSpan PagePatience = TimeSpan.FromSeconds(1);

    private readonly StorageTable _table;
    private readonly Database _database;
    private readonly RecentEvents _events;
    private readonly TimeProvider _clock;
    private readonly Rounds<Round, StorageReport> _rounds;
    private volatile Measurement? _latest;

    /// <param name="table">Takes the measurements.</param>
    /// <param name="database">The database of the store.</param>
    /// <param name="events">Counts the bytes that were written since a measurement.</param>
    /// <param name="clock">Tells how old a measurement is.</param>
    public StorageSizes(StorageTable table, Database database, RecentEvents events, TimeProvider clock)
    {
        _table = table;
        _database = database;
        _events = events;
        _clock = clock;
        _rounds = new Rounds<Round, StorageReport>(() => new Round(clock.GetTimestamp()), MeasureAsync);
    }

    /// <summary>The last measurement, however old; null before the first.</summary>
    public StorageReport? Latest => _latest?.Report;

    /// <summary>The bytes in use at the last measurement, plus those of all changes taken in since; null before the first.</summary>
    public long? InUse => _latest is { } known ? known.Report.InUse + _events.Taken - known.Taken : null;

    /// <summary>How old the last measurement is.</summary>
    public TimeSpan Age => _latest is { } known ? _clock.GetElapsedTime(known.Started) : TimeSpan.MaxValue;

    /// <summary>Takes a measurement that begins after the call.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<StorageReport> MeasureAsync() => _rounds.JoinAsync();

    /// <summary>Measures for a page that shows <see cref="Latest"/>, which stays unchanged if the database does not answer.</summary>
    public async Task RefreshAsync() =>
        await ((Task)MeasureAsync()).WaitAsync(PagePatience, _clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task<StorageReport> MeasureAsync(Round round)
    {
        long started = _clock.GetTimestamp();
        long taken = _events.Taken; // read first: changes during the measurement count twice rather than not at all
        StorageReport report = await _database.InTimeAsync(TimeLimit - _clock.GetElapsedTime(round.Asked), _table.ReportAsync);
        _latest = new Measurement(report, taken, started);
        return report;
    }

    /// <param name="Asked">The arrival of its first caller.</param>
    private sealed record Round(long Asked);

    /// <param name="Report">The result.</param>
    /// <param name="Taken"><see cref="RecentEvents.Taken"/> before the measurement.</param>
    /// <param name="Started">When the measurement began.</param>
    private sealed record Measurement(StorageReport Report, long Taken, long Started);
}
