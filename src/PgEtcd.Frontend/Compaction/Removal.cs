using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Compaction;

/// <summary>Removes the rows that compaction has superseded, batch by batch with pauses, so that writes continue meanwhile. A job of the
/// leader; its progress is in the database, so the next leader continues from there.</summary>
/// <param name="table">The rows.</param>
/// <param name="options">How fast, and how long removed rows are kept in the archive.</param>
/// <param name="inDoubt">How long after an append its frontend may still ask whether it happened.</param>
/// <param name="compactRevision">Gives the compaction mark that this frontend knows.</param>
/// <param name="clock">Measures pauses.</param>
/// <param name="logger">Where to log.</param>
public sealed class Removal(
    RemovalTable table, CompactionOptions options, TimeSpan inDoubt, Func<long> compactRevision, TimeProvider clock,
    ILogger<Removal> logger)
{
    /// <summary>Interval of checks for new work.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan SoonPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LaterPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ArchivePause = TimeSpan.FromMinutes(10);

    // Work that this frontend knows to be done, or not due yet, so that the database is not asked all the time.
    private long? _finished;
    private (long Target, long At)? _postponed;
    private long? _archiveKept;
    private long _lastRemoved;

    /// <summary>When this frontend last removed rows, Unix seconds; 0: never.</summary>
    public long LastRemoved => Volatile.Read(ref _lastRemoved);

    /// <summary>Maintains the archive's partitions, and removes all rows that may be removed now.</summary>
    /// <param name="cancellationToken">Cancelled when the leadership ends.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (options.HistoryRetention > TimeSpan.Zero && HasPassed(ArchivePause, _archiveKept))
        {
            await table.KeepArchiveAsync(options.HistoryRetention, cancellationToken);
            _archiveKept = clock.GetTimestamp();
        }

        long target = compactRevision();
        if (_finished >= target || (_postponed?.Target >= target && !HasPassed(LaterPause, _postponed?.At)))
        {
            return;
        }

        long started = clock.GetTimestamp();
        long removed = 0;
        RemovalOutcome outcome;
        while (true)
        {
            long batchStarted = clock.GetTimestamp();
            (outcome, long rows) = await table.RemoveAsync(
                options.BatchLimit, inDoubt, options.HistoryRetention > TimeSpan.Zero, cancellationToken);
            removed += rows;
            RemovalMetrics.BatchMilliseconds.Record(clock.GetElapsedTime(batchStarted).TotalMilliseconds);
            RemovalMetrics.Rows.Add(rows);
            if (outcome is not (RemovalOutcome.More or RemovalOutcome.Soon))
            {
                break;
            }

            // At least as long as the batch took: on a busy machine removal gives way to the writes.
            TimeSpan sleep = TimeSpan.FromTicks(Math.Max(options.SleepInterval.Ticks, clock.GetElapsedTime(batchStarted).Ticks));
            await Task.Delay(outcome is RemovalOutcome.More ? sleep : SoonPause, clock, cancellationToken);
        }

        if (outcome is RemovalOutcome.Finished)
        {
            _finished = target;
        }
        else
        {
            _postponed = (target, clock.GetTimestamp());
        }

        if (removed > 0)
        {
            RemovalMetrics.TotalMilliseconds.Record(clock.GetElapsedTime(started).TotalMilliseconds);
            Volatile.Write(ref _lastRemoved, clock.GetUtcNow().ToUnixTimeSeconds());
            Log.Removed(logger, removed, clock.GetElapsedTime(started).TotalSeconds);
        }
    }

    private bool HasPassed(TimeSpan pause, long? since) => since is not { } last || clock.GetElapsedTime(last) >= pause;
}
