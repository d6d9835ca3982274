namespace PgEtcd.Api.Calls;

/// <summary>How streams show that their client has gone: Kestrel and the package throw an IOException or InvalidOperationException,
/// services expect a cancellation.</summary>
internal static class Gone
{
    public static bool Means(Exception exception, CallContext call, CancellationToken ended) =>
        exception is IOException
        || (exception is InvalidOperationException && (call.IsOver || ended.IsCancellationRequested || call.IsPastDeadline));

    public static OperationCanceledException Cancellation(Exception? exception) => new("The client dropped the call.", exception);
}
