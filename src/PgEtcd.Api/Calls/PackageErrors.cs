using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>What the package says of requests that it could not read, in the words and with the codes of grpc-go where clients
/// depend on them.</summary>
internal static class PackageErrors
{
    private const string TooLarge = "Received message exceeds the maximum configured message size.";
    private const string FarTooLarge = "Message too large";

    /// <summary>The status for one that is the package's; null for any other.</summary>
    /// <param name="status">The status.</param>
    /// <param name="max">Largest message in bytes.</param>
    public static Status? Mend(Status status, int max) => status switch
    {
        { StatusCode: StatusCode.ResourceExhausted, Detail: TooLarge } => Exhausted(max),
        { StatusCode: StatusCode.Unknown, DebugException: { } exception } => Mend(exception, max),
        _ => null,
    };

    /// <summary>The status for an exception that reading a message threw; null for any other.</summary>
    public static Status? Mend(Exception exception, int max) => exception switch
    {
        RpcException rpc => Mend(rpc.Status, max),
        InvalidDataException => new Status(StatusCode.Internal, $"grpc: failed to read the received message: {exception.Message}"),
        IOException when exception.Message.StartsWith(FarTooLarge, StringComparison.Ordinal) => Exhausted(max),
        IOException or OperationCanceledException => new Status(StatusCode.Cancelled, "context canceled"),
        _ => null,
    };

    // How large it is the package does not tell.
    private static Status Exhausted(int max) =>
        new(StatusCode.ResourceExhausted, $"grpc: received message larger than max (more than {CallsExtensions.PackageLimit(max)} vs. {max})");
}
