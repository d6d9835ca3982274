namespace PgEtcd.Server;

/// <summary>The log messages of the host, with ids from 400 to 499.</summary>
internal static partial class Log
{
    [LoggerMessage(400, LogLevel.Information, "{Name} serves {Urls} at revision {Revision}, {Keys} keys")]
    public static partial void Serving(ILogger logger, string name, string urls, long revision, int keys);

    [LoggerMessage(401, LogLevel.Information, "Stopping: requests in flight may finish")]
    public static partial void Stopping(ILogger logger);

    [LoggerMessage(402, LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(403, LogLevel.Warning, "{Warning}")]
    public static partial void Warning(ILogger logger, string warning);

    [LoggerMessage(404, LogLevel.Information, "Loading the state: {Rows} of about {Expected} rows")]
    public static partial void Loading(ILogger logger, long rows, long expected);

    [LoggerMessage(410, LogLevel.Warning, "rejected connection from {RemoteAddr}: {Reason}")]
    public static partial void RejectedConnection(ILogger logger, string? remoteAddr, string reason);

    [LoggerMessage(411, LogLevel.Debug, "{RemoteAddr} left during the TLS handshake")]
    public static partial void BrokenHandshake(ILogger logger, string? remoteAddr);

    [LoggerMessage(412, LogLevel.Information, "--{Flag} has changed: new connections use it")]
    public static partial void TlsFileRead(ILogger logger, string flag);

    [LoggerMessage(413, LogLevel.Error, "--{Flag} has changed but cannot be used, so the previous content stays in use: {Reason}")]
    public static partial void TlsFileBroken(ILogger logger, string flag, string reason);

    [LoggerMessage(420, LogLevel.Warning, "Traces do not reach --distributed-tracing-address {Collector} and are dropped: {Reason}")]
    public static partial void TracesLost(ILogger logger, Uri collector, string reason);
}
