namespace PgEtcd.Server.Hosting;

/// <summary>The messages of the server beside those of its rooms.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Name} serves {Urls} at revision {Revision}, {Keys} keys")]
    public static partial void Serving(ILogger logger, string name, string urls, long revision, int keys);

    [LoggerMessage(2, LogLevel.Information, "Stopping: requests in flight may finish")]
    public static partial void Stopping(ILogger logger);

    [LoggerMessage(3, LogLevel.Warning, "{Warning}")]
    public static partial void Warning(ILogger logger, string warning);

    [LoggerMessage(4, LogLevel.Error, "A watch could not be brought up to date; its stream is closed")]
    public static partial void CatchUpFailed(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Error,
        "PostgreSQL has lost commits in a failover: what was at revision {Revision} is gone. The revision moves up by a million and all before is compacted")]
    public static partial void HistoryLost(ILogger logger, long revision);
}
