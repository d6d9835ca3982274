using Microsoft.Extensions.Logging;

namespace PgEtcd.Postgres;

/// <summary>The log messages of this assembly.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Warning, "PostgreSQL does not answer, trying again (attempt {Attempt}): {Reason}")]
    public static partial void DatabaseAway(ILogger logger, int attempt, string reason);

    [LoggerMessage(101, LogLevel.Information, "Schema {Schema}: applied migration {Migration}")]
    public static partial void Migrated(ILogger logger, string schema, string migration);

    [LoggerMessage(103, LogLevel.Information, "Schema {Schema}: applied functions {Hash}")]
    public static partial void FunctionsApplied(ILogger logger, string schema, string hash);

    [LoggerMessage(102, LogLevel.Information, "LISTEN connection lost, polling until it is back: {Reason}")]
    public static partial void ListenLost(ILogger logger, string reason);

    [LoggerMessage(106, LogLevel.Information,
        "PostgreSQL is behind a pooler, so LISTEN cannot be used: "
        + "the log is polled every {Milliseconds} ms for appends of other frontends")]
    public static partial void Pooled(ILogger logger, int milliseconds);

    [LoggerMessage(104, LogLevel.Warning, "The database's settings are not what a frontend needs: {Unmet}")]
    public static partial void SettingsUnmet(ILogger logger, string unmet);

    [LoggerMessage(105, LogLevel.Warning, "In the background: {Work} failed and will be tried again in {Seconds:0.0} s: {Reason}")]
    public static partial void BackgroundFailed(ILogger logger, string work, double seconds, string reason);
}
