namespace PgEtcd.Console;

/// <summary>The log messages of this project, ids 600 to 699.</summary>
internal static partial class Log
{
    [LoggerMessage(600, LogLevel.Error, "the page {Path} of the console failed")]
    public static partial void PageFailed(ILogger logger, string path, Exception exception);
}
