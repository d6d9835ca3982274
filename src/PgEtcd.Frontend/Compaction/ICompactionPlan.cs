namespace PgEtcd.Frontend.Compaction;

/// <summary>When auto-compaction compacts, and where: the rules of one --auto-compaction-mode (semantics.md §6). Knows no
/// clock; it is told what time has passed since it began.</summary>
internal interface ICompactionPlan
{
    /// <summary>From one look to the next.</summary>
    TimeSpan Interval { get; }

    /// <summary>Takes note of the revision at the beginning of an interval, whether or not this frontend leads.</summary>
    void Observe(long revision);

    /// <summary>At the end of an interval: the revision to compact at, or null.</summary>
    /// <param name="elapsed">Since the plan began.</param>
    /// <param name="revision">Of the store.</param>
    long? Due(TimeSpan elapsed, long revision);

    /// <summary>The compaction succeeded, or another one was first.</summary>
    /// <param name="elapsed">Since the plan began.</param>
    /// <param name="revision">Where it compacted.</param>
    void Done(TimeSpan elapsed, long revision);
}
