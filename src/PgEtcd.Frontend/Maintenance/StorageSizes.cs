using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>How much room the store takes, measured at most once a second however often it is asked for.</summary>
public sealed class StorageSizes(StorageTable table, Database database, TimeProvider clock)
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    /// <summary>A status is worth this much waiting; without the database there is still something to answer.</summary>
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(2);

    /// <summary>Last in the lock order (RunningFrontend): a measurement begins outside of it.</summary>
    private readonly Lock _gate = new();
    private Task<StorageReport>? _measuring;
    private StorageReport? _latest;
    private long _measuredAt;
    private int _changes;

    /// <summary>The last measurement, however old; null before the first.</summary>
    public StorageReport? Latest => Volatile.Read(ref _latest);

    /// <summary>A measurement of the last second.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<StorageReport> GetAsync()
    {
        lock (_gate)
        {
            return _latest is { } known && clock.GetElapsedTime(_measuredAt) < Freshness
                ? Task.FromResult(known)
                : _measuring ??= MeasureAsync(_changes);
        }
    }

    /// <summary>Makes the next answer a new measurement: something has changed.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            // What is under way may have looked before the change.
            _changes++;
            _measuring = null;
            _measuredAt = clock.GetTimestamp() - (2 * (long)(Freshness.TotalSeconds * clock.TimestampFrequency));
        }
    }

    private async Task<StorageReport> MeasureAsync(int changes)
    {
        await Task.Yield(); // the gate is held
        try
        {
            long started = clock.GetTimestamp();
            StorageReport report = await database.InTimeAsync(TimeLimit, table.ReportAsync);
            lock (_gate)
            {
                if (changes == _changes)
                {
                    (_latest, _measuredAt) = (report, started);
                }
            }

            return report;
        }
        finally
        {
            lock (_gate)
            {
                if (changes == _changes)
                {
                    _measuring = null;
                }
            }
        }
    }
}
