namespace PgEtcd.Server.LocalPostgres;

internal static partial class LocalPostgresLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "PostgreSQL's user cannot reach {Wanted}: the data is in {DataDir}")]
    public static partial void Moved(ILogger logger, string wanted, string dataDir);

    [LoggerMessage(Level = LogLevel.Information, Message = "Making a PostgreSQL {Major} cluster in {DataDir}")]
    public static partial void Making(ILogger logger, int major, string dataDir);

    [LoggerMessage(Level = LogLevel.Information, Message = "PostgreSQL {Pid} runs in {DataDir}, socket in {SocketDirectory}")]
    public static partial void Started(ILogger logger, int pid, string dataDir, string socketDirectory);

    [LoggerMessage(Level = LogLevel.Information, Message = "Joined PostgreSQL {Pid}, which runs in {DataDir} already, socket in {SocketDirectory}")]
    public static partial void Joined(ILogger logger, int pid, string dataDir, string socketDirectory);

    [LoggerMessage(Level = LogLevel.Error, Message = "PostgreSQL {Pid} in {DataDir} ended, starting it again")]
    public static partial void Died(ILogger logger, int pid, string dataDir);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reason} Trying again in {Seconds} s.")]
    public static partial void NotRestarted(ILogger logger, string reason, double seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "PostgreSQL {Pid} in {DataDir} stopped")]
    public static partial void Stopped(ILogger logger, int pid, string dataDir);

    [LoggerMessage(Level = LogLevel.Information, Message = "PostgreSQL {Pid} in {DataDir} is left to the other frontends that use it")]
    public static partial void LeftRunning(ILogger logger, int pid, string dataDir);
}
