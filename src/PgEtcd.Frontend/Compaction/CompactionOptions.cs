namespace PgEtcd.Frontend.Compaction;

/// <summary>Compaction, removal and the archive.</summary>
public sealed record CompactionOptions
{
    /// <summary>--auto-compaction-mode=periodic: how much history stays. Zero: off.</summary>
    public TimeSpan RetainedPeriod { get; init; }

    /// <summary>--auto-compaction-mode=revision: how many revisions stay. Zero: off.</summary>
    public long RetainedRevisions { get; init; }

    /// <summary>Rows that removal examines in one transaction.</summary>
    public int BatchLimit { get; init; } = 1000;

    /// <summary>Pause of removal between two transactions.</summary>
    public TimeSpan SleepInterval { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>How long removed rows are kept in the archive. Zero: not at all.</summary>
    public TimeSpan HistoryRetention { get; init; }
}
