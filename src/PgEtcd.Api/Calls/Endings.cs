using System.IO.Pipelines;
using Grpc.Core;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Wire;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Calls;

/// <summary>Turns the exceptions that end calls into statuses.</summary>
internal static class Endings
{
    private const string TooLarge = "Received message exceeds the maximum configured message size.";
    private const string FarTooLarge = "Message too large";

    /// <summary>The exception with its status, if a service threw a known failure; otherwise the exception itself.</summary>
    public static Exception Translated(Exception exception) =>
        exception is RpcException ? exception : ServiceErrors.ToRpc(exception) ?? exception;

    /// <summary>The status that ends a call.</summary>
    /// <param name="exception">A translated exception.</param>
    /// <param name="call">The call.</param>
    /// <param name="logger">Gets unexpected exceptions.</param>
    public static RpcException ToRpc(Exception exception, CallContext call, ILogger logger)
    {
        switch (exception)
        {
            // The generated base classes give no detail.
            case RpcException { Status: { StatusCode: StatusCode.Unimplemented, Detail: "" } }:
                return new RpcException(new Status(StatusCode.Unimplemented, $"{call.Method.TrimStart('/')} is not implemented yet"));

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

    /// <summary>Whether an exception of a stream means that its call is over. Kestrel and the package throw an IOException or an
    /// InvalidOperationException.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="call">The call.</param>
    /// <param name="ended">The call's token, read while the call was under way.</param>
    public static bool IsOver(Exception exception, CallContext call, CancellationToken ended) =>
        exception is IOException
        || (exception is InvalidOperationException && (call.IsOver || ended.IsCancellationRequested || call.IsPastDeadline));

    /// <summary>The exception that services expect when their client has gone.</summary>
    public static OperationCanceledException Gone(Exception? exception = null) => new("The client dropped the call.", exception);

    /// <summary>The status for a request that the package could not read, in grpc-go's words where clients depend on them; null if the
    /// exception has another cause.</summary>
    /// <param name="exception">The package's exception.</param>
    /// <param name="max">Largest message in bytes.</param>
    public static Status? OfUnreadable(Exception exception, int max) => exception switch
    {
        RpcException rpc => OfUnreadable(rpc.Status, max),
        HeldTooMuchException => EtcdErrors.RequestTooManyRequests.Status,
        InvalidDataException => new Status(StatusCode.Internal, $"grpc: failed to read the received message: {exception.Message}"),
        IOException when exception.Message.StartsWith(FarTooLarge, StringComparison.Ordinal) => Exhausted(max),
        IOException or OperationCanceledException => new Status(StatusCode.Cancelled, "context canceled"),
        _ => null,
    };

    /// <inheritdoc cref="OfUnreadable(Exception, int)"/>
    public static Status? OfUnreadable(Status status, int max) => status switch
    {
        { StatusCode: StatusCode.ResourceExhausted, Detail: TooLarge } => Exhausted(max),
        { StatusCode: StatusCode.Unknown, DebugException: { } exception } => OfUnreadable(exception, max),
        _ => null,
    };

    // The package does not report the size.
    private static Status Exhausted(int max) =>
        new(
            StatusCode.ResourceExhausted,
            $"grpc: received message larger than max (more than {CallsExtensions.PackageLimit(max)} vs. {max})");

    /// <summary>Waits for a flush. The flush itself has no token, because a token that fires would reset the stream.</summary>
    /// <param name="flush">The flush under way.</param>
    /// <param name="call">The call.</param>
    /// <param name="ended">Fires when the call has ended.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">The client has gone, or the call has ended.</exception>
    public static async Task FlushedAsync(
        ValueTask<FlushResult> flush, CallContext call, CancellationToken ended, CancellationToken cancellationToken)
    {
        try
        {
            FlushResult result = await flush.AsTask().WaitAsync(cancellationToken);
            if (result.IsCompleted) // known before the call's token fires
            {
                throw Gone();
            }
        }
        catch (Exception exception) when (IsOver(exception, call, ended))
        {
            throw Gone(exception);
        }
    }
}
