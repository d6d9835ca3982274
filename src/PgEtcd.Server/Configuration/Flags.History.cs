namespace PgEtcd.Server.Configuration;

/// <content>Compaction and the history that remains.</content>
internal static partial class Flags
{
    public static readonly Flag AutoCompactionMode = new(FlagGroup.History, "auto-compaction-mode", "periodic", "mode",
        "Meaning of --auto-compaction-retention: periodic (time) or revision (count).");

    public static readonly Flag AutoCompactionRetention = new(FlagGroup.History, "auto-compaction-retention", "0", "amount",
        "History that auto-compaction keeps: hours or a duration (periodic), or revisions. 0: no auto-compaction.");

    public static readonly Flag CompactionBatchLimit = new(FlagGroup.History, "compaction-batch-limit", "1000", "count",
        "Rows that removal examines in one transaction after a compaction.", WasExperimental: true);

    public static readonly Flag CompactionSleepInterval = new(FlagGroup.History, "compaction-sleep-interval", "10ms", "duration",
        "Pause of removal between two transactions.", WasExperimental: true);

    public static readonly Flag HistoryRetention = new(FlagGroup.History, "history-retention", "0", "duration",
        "How long rows that compaction removes stay readable in SQL, e.g. 720h or 30d; the same on every frontend. 0: they are deleted.",
        IsOurs: true);
}
