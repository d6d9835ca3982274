namespace PgEtcd.Frontend.Compaction;

/// <summary>Compaction, removal and the archive.</summary>
public sealed record CompactionOptions
{
    /// <summary>--auto-compaction-mode=periodic: how much history stays. Zero: off.</summary>
    public TimeSpan RetainedPeriod { get; init; }

    /// <summary>--auto-compaction-mode=revision: how many revisions stay. Zero: off.</summary>
    public long RetainedRevisions { get; init; }

    /// <summary>Rows that removal looks at in one transaction.</summary>
    public int BatchLimit { get; init; } = 1000;

    /// <summary>How long removal sleeps between two of them.</summary>
    public TimeSpan SleepInterval { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>How long removed rows are kept in the archive. Zero: not at all.</summary>
    public TimeSpan HistoryRetention { get; init; }
}
