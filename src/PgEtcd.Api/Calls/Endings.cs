using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>How the exceptions that end calls are said to clients.</summary>
internal static class Endings
{
    /// <summary>An exception as services may throw it, as the exception that says its status if it is a known failure.</summary>
    public static Exception Translated(Exception exception, Func<Exception, RpcException?> translate) =>
        exception is RpcException ? exception : translate(exception) ?? exception;

    /// <summary>The exception itself when it says a status.</summary>
    public static RpcException ToRpc(Exception exception, CallContext call, ILogger logger)
    {
        switch (exception)
        {
            // The generated bases of services say nothing at all.
            case RpcException { Status: { StatusCode: StatusCode.Unimplemented, Detail: "" } }:
                return new RpcException(new Status(StatusCode.Unimplemented, $"{call.Method.TrimStart('/')} is not implemented yet"));

            // The service was cancelled; why, the caller knows.
            case RpcException { StatusCode: StatusCode.Cancelled } or OperationCanceledException when call.IsPastDeadline:
                return new RpcException(new Status(StatusCode.DeadlineExceeded, "context deadline exceeded"));
            case RpcException rpc:
                return rpc;
            case OperationCanceledException:
            case Exception when call.CancellationToken.IsCancellationRequested:
                Log.ClientGone(logger, call.Method);
                return new RpcException(new Status(StatusCode.Cancelled, "context canceled"));
            default:
                Log.HandlerFailed(logger, exception, call.Method);
                return new RpcException(new Status(StatusCode.Unknown, "Exception was thrown by handler."));
        }
    }
}
