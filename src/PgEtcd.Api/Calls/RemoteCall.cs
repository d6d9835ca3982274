using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>A call over a connection. Metadata and peer are read here, because the package joins repeated values, reports a Unix socket
/// as unknown, and shows IPv4 as IPv6 on a dual-stack socket.</summary>
/// <param name="inner">The package's context.</param>
/// <param name="http">The HTTP request.</param>
internal sealed class RemoteCall(ServerCallContext inner, HttpContext http) : CallContext(http, http.Request.Headers)
{
    /// <inheritdoc/>
    protected override string MethodCore => inner.Method;

    /// <inheritdoc/>
    protected override DateTime DeadlineCore => inner.Deadline;

    /// <inheritdoc/>
    protected override CancellationToken CancellationTokenCore => inner.CancellationToken;

    /// <inheritdoc/>
    protected override Metadata ResponseTrailersCore => inner.ResponseTrailers;

    /// <inheritdoc/>
    protected override Status StatusCore
    {
        get => inner.Status;
        set => inner.Status = value;
    }

    /// <inheritdoc/>
    protected override WriteOptions? WriteOptionsCore
    {
        get => inner.WriteOptions;
        set => inner.WriteOptions = value;
    }

    /// <inheritdoc/>
    protected override AuthContext AuthContextCore => inner.AuthContext;

    internal static RemoteCall Of(ServerCallContext context)
    {
        HttpContext http = context.GetHttpContext();
        http.SetEndpoint(ServedMethod.Reached);
        return new RemoteCall(context, http);
    }

    /// <inheritdoc/>
    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => inner.WriteResponseHeadersAsync(responseHeaders);
}
