namespace PgEtcd.Server.Compacting;

/// <summary>Every message of compaction.</summary>
internal static partial class Log
{
    [LoggerMessage(300, LogLevel.Information, "Auto-compaction: compacted at revision {Revision}")]
    public static partial void AutoCompacted(ILogger logger, long revision);

    [LoggerMessage(301, LogLevel.Warning, "Auto-compaction at revision {Revision} failed and is tried again: {Reason}")]
    public static partial void AutoCompactionFailed(ILogger logger, long revision, string reason);

    [LoggerMessage(302, LogLevel.Information, "Removed {Rows} superseded rows in {Seconds:0.0} s")]
    public static partial void Removed(ILogger logger, long rows, double seconds);
}
