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

    [LoggerMessage(25, LogLevel.Warning, "--sql-write-timeout: session {Pid} ({Who}) has held the append lock for {Seconds:0.0} s while others wait: its statement is cancelled")]
    public static partial void SqlWriterCancelled(ILogger logger, int pid, string who, double seconds);

    [LoggerMessage(26, LogLevel.Warning, "--sql-write-timeout: session {Pid} ({Who}) has held the append lock for {Seconds:0.0} s while others wait: it is ended")]
    public static partial void SqlWriterEnded(ILogger logger, int pid, string who, double seconds);

    [LoggerMessage(27, LogLevel.Error, "--sql-write-timeout: session {Pid} ({Who}) has held the append lock for {Seconds:0.0} s, all writes wait, and this frontend's database user may not end it ({Reason}); grant it pg_signal_backend")]
    public static partial void SqlWriterStays(ILogger logger, int pid, string who, double seconds, string reason);
}
