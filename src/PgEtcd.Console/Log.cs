namespace PgEtcd.Console;

/// <summary>What this project logs. Ids 600 to 699.</summary>
internal static partial class Log
{
    [LoggerMessage(600, LogLevel.Error, "the page {Path} of the console failed")]
    public static partial void PageFailed(ILogger logger, string path, Exception exception);
}
