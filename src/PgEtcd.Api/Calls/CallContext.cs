using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>A call as its service sees it.</summary>
/// <param name="http">The request that it came with.</param>
/// <param name="headers">Its metadata.</param>
internal abstract class CallContext(HttpContext http, IHeaderDictionary headers) : ServerCallContext
{
    private Metadata? _requestHeaders;

    /// <summary>The request that it came with; a local call came with the gateway's.</summary>
    public HttpContext Http => http;

    /// <summary>Whether the service has answered it: streams take nothing more.</summary>
    internal bool IsOver { get; set; }

    /// <summary>Whether its time is up.</summary>
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
