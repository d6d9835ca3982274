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

    [LoggerMessage(20, LogLevel.Error,
        "PostgreSQL has lost changes of users, roles or permissions in a failover: check them. All simple tokens have ended")]
    public static partial void AuthLost(ILogger logger);

    [LoggerMessage(22, LogLevel.Debug, "The database did not take {Count} renewals of tokens or failed logins: {Reason}")]
    public static partial void AuthNotesLost(ILogger logger, int count, string reason);

    [LoggerMessage(5, LogLevel.Error,
        "PostgreSQL has lost commits in a failover: what was at revision {Revision} is gone. The revision moves up by a million and all before is compacted")]
    public static partial void HistoryLost(ILogger logger, long revision);

    [LoggerMessage(6, LogLevel.Warning, "{Method} took {Took}, more than {Expected}, for {Client}: {Request}; answered {Answer}")]
    public static partial void SlowRequest(
        ILogger logger, string method, string took, string expected, string client, string request, string answer);

    [LoggerMessage(7, LogLevel.Warning, "Committing took {Took}, more than {Expected}: {Writes} writes, {Bytes} bytes in the requests")]
    public static partial void SlowCommit(ILogger logger, string took, string expected, int writes, int bytes);

    [LoggerMessage(8, LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(30, LogLevel.Warning, "rejected connection from {RemoteAddr}: {Reason}")]
    public static partial void RejectedConnection(ILogger logger, string? remoteAddr, string reason);

    [LoggerMessage(31, LogLevel.Debug, "{RemoteAddr} left during the TLS handshake")]
    public static partial void BrokenHandshake(ILogger logger, string? remoteAddr);

    [LoggerMessage(32, LogLevel.Information, "--{Flag} has changed: new connections are served by it")]
    public static partial void TlsFileRead(ILogger logger, string flag);

    [LoggerMessage(33, LogLevel.Error, "--{Flag} has changed and cannot be used, what was read before stays: {Reason}")]
    public static partial void TlsFileBroken(ILogger logger, string flag, string reason);

    [LoggerMessage(34, LogLevel.Warning, "Traces do not get to --distributed-tracing-address {Collector} and are dropped: {Reason}")]
    public static partial void TracesLost(ILogger logger, Uri collector, string reason);
}
