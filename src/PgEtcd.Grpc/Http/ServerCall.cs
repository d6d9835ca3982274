using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace PgEtcd.Grpc.Http;

/// <summary>
/// One call over one HTTP/2 request. Everything a call may not need (metadata, tokens, timers) is made when asked for.
/// </summary>
internal sealed class ServerCall(HttpContext context, MethodTable table, IMethod method, MethodMetrics metrics) : ServerCallContext
{
    private readonly long _started = metrics.Started(context.Request.Headers);
    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;
    private Dictionary<object, object>? _userState;
    private CancellationTokenSource? _deadlineSource;
    private DateTime _deadline = DateTime.MaxValue;
    private bool _wrote;

    public HttpContext HttpContext => context;

    /// <summary>Reads the request's messages; ready after <see cref="Begin"/>.</summary>
    public MessageReader Reader { get; private set; }

    /// <summary>Where responses go.</summary>
    public PipeWriter Output { get; } = context.Response.BodyWriter;

    /// <summary>A token only if there is a deadline: a client that goes makes reads and writes end by itself.</summary>
    public CancellationToken DeadlineToken => _deadline == DateTime.MaxValue ? CancellationToken.None : DeadlineSource().Token;

    protected override string MethodCore => method.FullName;

    protected override string HostCore => context.Request.Host.Value ?? "";

    protected override string PeerCore => RequestMetadata.Peer(context.Connection);

    protected override DateTime DeadlineCore => _deadline;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= RequestMetadata.Read(context.Request.Headers);

    protected override CancellationToken CancellationTokenCore =>
        _deadline == DateTime.MaxValue ? context.RequestAborted : DeadlineSource().Token;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override IDictionary<object, object> UserStateCore => _userState ??= [];

    /// <summary>Reads what the request's headers say about the call.</summary>
    /// <exception cref="RpcException">They are malformed, or ask for what is not there.</exception>
    public void Begin()
    {
        IHeaderDictionary headers = context.Request.Headers;
        string? timeout = headers.GrpcTimeout;
        if (timeout is not null)
        {
            if (!GrpcTimeout.TryParse(timeout, out TimeSpan limit))
                throw new RpcException(new Status(StatusCode.Internal, $"malformed grpc-timeout: \"{timeout}\""));
            _deadline = DateTime.UtcNow + limit;
        }
        string? encoding = headers.GrpcEncoding;
        if (encoding is not (null or "identity" or MessageReader.Gzip))
        {
            context.Response.Headers.GrpcAcceptEncoding = MessageReader.Gzip;
            throw new RpcException(new Status(StatusCode.Unimplemented, $"grpc: Decompressor is not installed for grpc-encoding \"{encoding}\""));
        }
        Reader = new MessageReader(context.Request.BodyReader, table.MaxReceiveMessageSize, encoding, metrics);
        ResponseWriter.Begin(context.Response);
    }

    /// <summary>Lifts Kestrel's limits on a body as a whole: a stream of requests may be long and slow.</summary>
    public void ExpectRequestStream()
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
    }

    /// <summary>Puts a message into the output without flushing.</summary>
    public void Write<T>(Marshaller<T> marshaller, T message)
    {
        _wrote = true;
        metrics.Sent(MessageSerializer.Write(Output, marshaller, message));
    }

    /// <summary>Ends the call with its only response, unless the service set a status that says otherwise.</summary>
    public void CompleteWith<T>(Marshaller<T> marshaller, T? message)
        where T : class
    {
        if (StatusCore.StatusCode == StatusCode.OK)
            Write(marshaller, message ?? throw new RpcException(new Status(StatusCode.Internal, "The service returned no message.")));
        Complete();
    }

    /// <summary>Ends the call with the status the service left.</summary>
    public void Complete() => End(StatusCore, _responseTrailers);

    /// <summary>Ends the call with the status that belongs to an exception.</summary>
    public void Fail(Exception error)
    {
        if (error is RpcException rpc)
        {
            foreach (Metadata.Entry entry in rpc.Trailers)
                ResponseTrailersCore.Add(entry);
            End(Named(rpc.Status), _responseTrailers);
        }
        else if (context.RequestAborted.IsCancellationRequested || error is IOException { InnerException: ConnectionAbortedException })
        {
            table.Logger.ClientGone(method.FullName);
            End(new Status(StatusCode.Cancelled, "context canceled"), null);
        }
        else if (error is OperationCanceledException)
        {
            End(DeadlinePassed()
                ? new Status(StatusCode.DeadlineExceeded, "context deadline exceeded")
                : new Status(StatusCode.Cancelled, "context canceled"), _responseTrailers);
        }
        else
        {
            table.Logger.HandlerFailed(error, method.FullName);
            End(new Status(StatusCode.Unknown, "Exception was thrown by handler."), _responseTrailers);
        }
    }

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        if (_wrote)
            throw new InvalidOperationException("The response headers are sent already.");
        _wrote = true;
        ResponseWriter.AddMetadata(context.Response.Headers, responseHeaders);
        await Output.FlushAsync(DeadlineToken);
    }

    private void End(Status status, Metadata? trailers)
    {
        _deadlineSource?.Dispose();
        metrics.Handled(status.StatusCode, _started);
        if (_wrote)
            ResponseWriter.SendTrailers(context, status, trailers);
        else
            ResponseWriter.SendTrailersOnly(context.Response, status, trailers);
    }

    // What the generated bases throw says nothing at all.
    private Status Named(Status status) => status is { StatusCode: StatusCode.Unimplemented, Detail: "" }
        ? new Status(StatusCode.Unimplemented, $"{method.FullName.TrimStart('/')} is not implemented yet")
        : status;

    // A timer may fire a little before the clock shows the deadline.
    private bool DeadlinePassed() => _deadlineSource is { IsCancellationRequested: true } || DateTime.UtcNow >= _deadline;

    private CancellationTokenSource DeadlineSource()
    {
        if (_deadlineSource is { } existing)
            return existing;
        var source = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        if (Interlocked.CompareExchange(ref _deadlineSource, source, null) is { } other)
        {
            source.Dispose();
            return other;
        }
        TimeSpan remaining = _deadline - DateTime.UtcNow;
        if (remaining <= TimeSpan.Zero)
            source.Cancel();
        else if (remaining.TotalMilliseconds < int.MaxValue) // A timer cannot wait for longer; nor does a call.
            source.CancelAfter(remaining);
        return source;
    }
}
