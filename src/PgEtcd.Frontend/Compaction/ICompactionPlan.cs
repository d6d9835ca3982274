namespace PgEtcd.Frontend.Compaction;

/// <summary>When auto-compaction compacts, and at which revision: the rules of one --auto-compaction-mode (semantics.md §6). A plan has no
/// clock; the caller passes the time since the plan began.</summary>
internal interface ICompactionPlan
{
    /// <summary>Time from one call of <see cref="Due"/> to the next.</summary>
    TimeSpan Interval { get; }

    /// <summary>Records the revision at the beginning of an interval, whether or not this frontend leads.</summary>
    void Observe(long revision);

    /// <summary>At the end of an interval: the revision to compact at, or null.</summary>
    /// <param name="elapsed">Time since the plan began.</param>
    /// <param name="revision">The store's revision.</param>
    long? Due(TimeSpan elapsed, long revision);

    /// <summary>Records that the compaction succeeded, or that another one was first.</summary>
    /// <param name="elapsed">Time since the plan began.</param>
    /// <param name="revision">The revision of the compaction.</param>
    void Done(TimeSpan elapsed, long revision);
}
