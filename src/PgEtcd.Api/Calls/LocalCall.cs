using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>A call that the server makes to itself for a request of the gateway.</summary>
internal sealed class LocalCall : CallContext, IDisposable
{
    private static readonly AuthContext Nobody = new(null, []);

    private readonly CancellationToken _gone;
    private readonly CancellationTokenSource _ended;

    /// <param name="method">The method's path.</param>
    /// <param name="cause">The gateway's request.</param>
    /// <param name="metadata">Metadata as headers, with a well-formed grpc-timeout or none.</param>
    /// <param name="gone">Fires when the client has gone.</param>
    public LocalCall(string method, HttpContext cause, IHeaderDictionary metadata, CancellationToken gone)
        : base(cause, metadata)
    {
        MethodCore = method;
        _gone = gone;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(gone);
        if (GrpcTimeout.TryParse(metadata.GrpcTimeout.ToString(), out TimeSpan timeout))
        {
            DeadlineCore = DateTime.UtcNow + timeout;
            if (timeout.TotalMilliseconds < int.MaxValue) // a timer cannot wait longer, and no call lasts that long
            {
                _ended.CancelAfter(timeout);
            }
        }
    }

    /// <summary>A timer may fire a little before the clock shows the deadline.</summary>
    internal override bool IsPastDeadline => base.IsPastDeadline || (_ended.IsCancellationRequested && !_gone.IsCancellationRequested);

    protected override string MethodCore { get; }

    protected override DateTime DeadlineCore { get; } = DateTime.MaxValue;

    protected override CancellationToken CancellationTokenCore => _ended.Token;

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; } = Status.DefaultSuccess;

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => Nobody;

    public void Dispose()
    {
        _ended.Cancel();
        _ended.Dispose();
    }

    /// <summary>Does nothing: the gateway does not send a service's response headers.</summary>
    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
}
