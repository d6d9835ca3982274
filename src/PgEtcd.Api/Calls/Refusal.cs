using System.Globalization;
using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Answers calls that reach no handler.</summary>
internal static class Refusal
{
    /// <summary>The status for a timeout that ends a call at once; null for any other. The package ignores timeouts that are malformed
    /// or zero.</summary>
    public static Status? OfTimeout(string timeout) =>
        !GrpcTimeout.TryParse(timeout, out TimeSpan limit) ? new Status(StatusCode.Internal, $"malformed grpc-timeout: \"{timeout}\"")
        : limit <= TimeSpan.Zero ? new Status(StatusCode.DeadlineExceeded, "context deadline exceeded")
        : null;

    /// <summary>Answers with only a status.</summary>
    public static void Write(HttpResponse response, Status status)
    {
        response.ContentType = "application/grpc";
        response.Headers.GrpcStatus = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        bool isPlain = !status.Detail.AsSpan().ContainsAnyExceptInRange(' ', '~') && !status.Detail.Contains('%', StringComparison.Ordinal);
        response.Headers.GrpcMessage = isPlain ? status.Detail : Uri.EscapeDataString(status.Detail);
    }
}
