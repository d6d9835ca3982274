namespace PgEtcd.Frontend.Compaction;

/// <summary>--auto-compaction-mode=periodic: the history of the last period stays. Compacts for the first time after one
/// period, then every period or every hour, whichever is shorter, at the revision of one period ago.</summary>
/// <param name="period">How much history stays; more than zero.</param>
internal sealed class PeriodicPlan(TimeSpan period) : ICompactionPlan
{
    private const int LooksInOneRound = 10;

    private readonly TimeSpan _round = period < TimeSpan.FromHours(1) ? period : TimeSpan.FromHours(1);
    private readonly Queue<long> _observed = new();
    private TimeSpan _lastDone;
    private long _lastRevision;

    /// <inheritdoc/>
    public TimeSpan Interval => _round / LooksInOneRound;

    /// <inheritdoc/>
    public void Observe(long revision)
    {
        _observed.Enqueue(revision);
        if (_observed.Count > (long)(period / Interval) + 1)
        {
            _observed.Dequeue();
        }
    }

    /// <inheritdoc/>
    public long? Due(TimeSpan elapsed, long revision)
    {
        TimeSpan pause = _lastRevision == 0 ? period : _round;
        long periodAgo = _observed.Peek();
        return elapsed - _lastDone >= pause && periodAgo != _lastRevision ? periodAgo : null;
    }

    /// <inheritdoc/>
    public void Done(TimeSpan elapsed, long revision)
    {
        _lastDone = elapsed;
        _lastRevision = revision;
    }
}
