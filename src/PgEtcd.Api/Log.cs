namespace PgEtcd.Api;

/// <summary>Every message about calls. Ids from 300 to 399.</summary>
internal static partial class Log
{
    [LoggerMessage(300, LogLevel.Warning, "{Method} took {Took}, more than {Expected}, for {Client}: {Request}; answered {Answer}")]
    public static partial void SlowRequest(
        ILogger logger, string method, string took, string expected, string client, string request, string answer);

    [LoggerMessage(301, LogLevel.Error, "{Method} failed with an exception that says no gRPC status.")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string method);

    [LoggerMessage(302, LogLevel.Debug, "{Method} ended after its client had gone.")]
    public static partial void ClientGone(ILogger logger, string method);

    [LoggerMessage(304, LogLevel.Information, "A client resets streams as fast as it opens them; its connection is closed: {Client}")]
    public static partial void TooManyResets(ILogger logger, string client);

    [LoggerMessage(306, LogLevel.Information, "A client has begun so many large requests that more of them are refused: {Client}")]
    public static partial void HeldTooMuch(ILogger logger, string client);

    [LoggerMessage(303, LogLevel.Error, "A watch stream failed: its client is told to open another")]
    public static partial void WatchFailed(ILogger logger, Exception exception);
}
