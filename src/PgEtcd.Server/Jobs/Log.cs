namespace PgEtcd.Server.Jobs;

/// <summary>Every message about members and jobs.</summary>
internal static partial class Log
{
    [LoggerMessage(20, LogLevel.Information, "This frontend leads: it runs the jobs")]
    public static partial void Leads(ILogger logger);

    [LoggerMessage(21, LogLevel.Information, "This frontend no longer leads")]
    public static partial void LeadsNoLonger(ILogger logger);

    [LoggerMessage(22, LogLevel.Debug, "Another frontend goes by member id {Id:x} (is its --name the same?); this one is {Other:x} now")]
    public static partial void IdTaken(ILogger logger, ulong id, ulong other);

    [LoggerMessage(23, LogLevel.Warning, "A job failed and will be tried again: {Reason}")]
    public static partial void JobFailed(ILogger logger, string reason);

    [LoggerMessage(24, LogLevel.Information, "The database was away: {Count} leases have their full TTL again")]
    public static partial void LeasesRenewed(ILogger logger, long count);
}
