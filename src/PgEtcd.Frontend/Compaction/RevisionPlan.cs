namespace PgEtcd.Frontend.Compaction;

/// <summary>--auto-compaction-mode=revision: every five minutes, compacts all but the newest revisions.</summary>
/// <param name="retained">How many revisions stay; more than zero.</param>
internal sealed class RevisionPlan(long retained) : ICompactionPlan
{
    private long _lastRevision;

    /// <inheritdoc/>
    public TimeSpan Interval => TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    public void Observe(long revision)
    {
    }

    /// <inheritdoc/>
    public long? Due(TimeSpan elapsed, long revision) =>
        revision - retained is > 0 and var target && target != _lastRevision ? target : null;

    /// <inheritdoc/>
    public void Done(TimeSpan elapsed, long revision) => _lastRevision = revision;
}
