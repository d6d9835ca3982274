using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>A call over a connection. Metadata and peer are read here, because the package joins repeated values, reports a Unix socket
/// as unknown, and shows IPv4 as IPv6 on a dual-stack socket.</summary>
internal sealed class RemoteCall : CallContext
{
    private readonly ServerCallContext _inner;

    private RemoteCall(ServerCallContext inner, HttpContext http)
        : base(http, http.Request.Headers) => _inner = inner;

    /// <inheritdoc/>
    protected override string MethodCore => _inner.Method;

    /// <inheritdoc/>
    protected override DateTime DeadlineCore => _inner.Deadline;

    /// <inheritdoc/>
    protected override CancellationToken CancellationTokenCore => _inner.CancellationToken;

    /// <inheritdoc/>
    protected override Metadata ResponseTrailersCore => _inner.ResponseTrailers;

    /// <inheritdoc/>
    protected override Status StatusCore
    {
        get => _inner.Status;
        set => _inner.Status = value;
    }

    /// <inheritdoc/>
    protected override WriteOptions? WriteOptionsCore
    {
        get => _inner.WriteOptions;
        set => _inner.WriteOptions = value;
    }

    /// <inheritdoc/>
    protected override AuthContext AuthContextCore => _inner.AuthContext;

    internal static RemoteCall Of(ServerCallContext context)
    {
        HttpContext http = context.GetHttpContext();
        http.SetEndpoint(ServedMethod.Reached);
        return new RemoteCall(context, http);
    }

    /// <inheritdoc/>
    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => _inner.WriteResponseHeadersAsync(responseHeaders);
}
