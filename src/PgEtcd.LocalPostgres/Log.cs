namespace PgEtcd.LocalPostgres;

/// <summary>The log messages about the private PostgreSQL, with ids from 500 to 599.</summary>
internal static partial class Log
{
    [LoggerMessage(500, LogLevel.Warning, "PostgreSQL's user cannot reach {Wanted}: the data is in {DataDir}")]
    public static partial void Moved(ILogger logger, string wanted, string dataDir);

    [LoggerMessage(501, LogLevel.Information, "Making a PostgreSQL {Major} cluster in {DataDir}")]
    public static partial void Making(ILogger logger, int major, string dataDir);

    [LoggerMessage(502, LogLevel.Information, "PostgreSQL {Pid} runs in {DataDir}, socket in {SocketDirectory}")]
    public static partial void Started(ILogger logger, int pid, string dataDir, string socketDirectory);

    [LoggerMessage(503, LogLevel.Information, "Joined PostgreSQL {Pid}, which runs in {DataDir} already, socket in {SocketDirectory}")]
    public static partial void Joined(ILogger logger, int pid, string dataDir, string socketDirectory);

    [LoggerMessage(504, LogLevel.Error, "PostgreSQL {Pid} in {DataDir} ended, starting it again")]
    public static partial void Died(ILogger logger, int pid, string dataDir);

    [LoggerMessage(505, LogLevel.Error, "{Reason} Trying again in {Seconds} s.")]
    public static partial void NotRestarted(ILogger logger, string reason, double seconds);

    [LoggerMessage(506, LogLevel.Information, "PostgreSQL {Pid} in {DataDir} stopped")]
    public static partial void Stopped(ILogger logger, int pid, string dataDir);

    [LoggerMessage(507, LogLevel.Information, "PostgreSQL {Pid} in {DataDir} is left to the other frontends that use it")]
    public static partial void LeftRunning(ILogger logger, int pid, string dataDir);
}
