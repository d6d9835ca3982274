using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>The part of a call's context that remote and local calls share.</summary>
/// <param name="http">The HTTP request.</param>
/// <param name="headers">The call's metadata.</param>
internal abstract class CallContext(HttpContext http, IHeaderDictionary headers) : ServerCallContext
{
    private Metadata? _requestHeaders;

    /// <summary>The HTTP request; for a local call, the gateway's.</summary>
    public HttpContext Http => http;

    /// <summary>Whether the call has ended. Streams then accept no more messages.</summary>
    internal bool IsOver { get; set; }

    /// <summary>Whether the deadline has passed.</summary>
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
