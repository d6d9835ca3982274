using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>The context of a call.</summary>
/// <param name="http">The HTTP request.</param>
/// <param name="headers">Its metadata.</param>
internal abstract class CallContext(HttpContext http, IHeaderDictionary headers) : ServerCallContext
{
    private Metadata? _requestHeaders;

    /// <summary>The HTTP request; for a local call that of the gateway.</summary>
    public HttpContext Http => http;

    /// <summary>Whether the service has ended it. Streams then take no more messages.</summary>
    internal bool IsOver { get; set; }

    /// <summary>Whether its deadline has passed.</summary>
    internal virtual bool IsPastDeadline => Deadline <= DateTime.UtcNow;

    /// <inheritdoc/>
    protected override string HostCore => http.Request.Host.Value ?? "";

    /// <inheritdoc/>
    protected override string PeerCore => RequestMetadata.Peer(http.Connection);

    /// <inheritdoc/>
    protected override Metadata RequestHeadersCore => _requestHeaders ??= RequestMetadata.Read(headers);

    /// <inheritdoc/>
    protected override IDictionary<object, object> UserStateCore => http.Items!;

    /// <inheritdoc/>
    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException("Contexts are not propagated.");
}
