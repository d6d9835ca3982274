using Microsoft.Extensions.Logging;

namespace PgEtcd.Grpc.Calls;

/// <summary>Everything this project logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "{Method} failed with an exception that says no gRPC status.")]
    public static partial void HandlerFailed(this ILogger logger, Exception exception, string method);
}
