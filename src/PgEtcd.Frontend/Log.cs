namespace PgEtcd.Frontend;

/// <summary>Every message that a frontend logs. Ids from 200 to 299.</summary>
internal static partial class Log
{
    [LoggerMessage(200, LogLevel.Error, "A watch could not be brought up to date; its stream is closed")]
    public static partial void CatchUpFailed(ILogger logger, Exception exception);

    [LoggerMessage(203, LogLevel.Error, "An event could not be given to a watch; its stream is closed")]
    public static partial void WatchFailed(ILogger logger, Exception exception);

    [LoggerMessage(201, LogLevel.Error,
        "PostgreSQL has lost changes of users, roles or permissions in a failover: check them. All simple tokens have ended")]
    public static partial void AuthLost(ILogger logger);

    [LoggerMessage(202, LogLevel.Error,
        "PostgreSQL has lost commits in a failover: what was at revision {Revision} is gone. "
        + "The revision moves up by a million and all before is compacted")]
    public static partial void HistoryLost(ILogger logger, long revision);

    [LoggerMessage(204, LogLevel.Debug, "The database did not take {Count} renewals of tokens or failed logins: {Reason}")]
    public static partial void AuthNotesLost(ILogger logger, int count, string reason);

    [LoggerMessage(205, LogLevel.Warning, "Committing took {Took}, more than {Expected}: {Writes} writes, {Bytes} bytes in the requests")]
    public static partial void SlowCommit(ILogger logger, string took, string expected, int writes, int bytes);

    [LoggerMessage(206, LogLevel.Error,
        "PostgreSQL's disk is full: the alarm NOSPACE is raised, and puts are refused until there is room and the alarm is disarmed")]
    public static partial void DiskFull(ILogger logger);

    [LoggerMessage(207, LogLevel.Error, "Writes fail: {Reason}")]
    public static partial void LogIsCut(ILogger logger, string reason);

    [LoggerMessage(220, LogLevel.Information, "This frontend leads: it runs the jobs")]
    public static partial void Leads(ILogger logger);

    [LoggerMessage(221, LogLevel.Information, "This frontend no longer leads")]
    public static partial void LeadsNoLonger(ILogger logger);

    [LoggerMessage(222, LogLevel.Debug, "Another frontend goes by member id {Id:x} (is its --name the same?); this one is {Other:x} now")]
    public static partial void IdTaken(ILogger logger, ulong id, ulong other);

    [LoggerMessage(224, LogLevel.Information, "The database was away: {Count} leases have their full TTL again")]
    public static partial void LeasesRenewed(ILogger logger, long count);

    [LoggerMessage(225, LogLevel.Warning,
        "--sql-write-timeout: session {Pid} ({Who}) has held the append lock for {Seconds:0.0} s while others wait: "
        + "its statement is cancelled")]
    public static partial void LockHolderCancelled(ILogger logger, int pid, string who, double seconds);

    [LoggerMessage(226, LogLevel.Warning,
        "--sql-write-timeout: session {Pid} ({Who}) has held the append lock for {Seconds:0.0} s while others wait: it is ended")]
    public static partial void LockHolderEnded(ILogger logger, int pid, string who, double seconds);

    [LoggerMessage(227, LogLevel.Error,
        "--sql-write-timeout: session {Pid} ({Who}) has held the append lock for {Seconds:0.0} s, all writes wait, "
        + "and this frontend's database user may not end it ({Reason}); grant it pg_signal_backend")]
    public static partial void LockHolderStays(ILogger logger, int pid, string who, double seconds, string reason);

    [LoggerMessage(240, LogLevel.Information, "Auto-compaction: compacted at revision {Revision}")]
    public static partial void AutoCompacted(ILogger logger, long revision);

    [LoggerMessage(241, LogLevel.Warning, "Auto-compaction at revision {Revision} failed and is tried again: {Reason}")]
    public static partial void AutoCompactionFailed(ILogger logger, long revision, string reason);

    [LoggerMessage(242, LogLevel.Information, "Removed {Rows} superseded rows in {Seconds:0.0} s")]
    public static partial void Removed(ILogger logger, long rows, double seconds);
}
