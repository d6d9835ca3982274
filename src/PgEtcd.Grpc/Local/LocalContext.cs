using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace PgEtcd.Grpc.Local;

/// <summary>An HTTP/2 request of gRPC that came through no connection, on behalf of one that did.</summary>
internal static class LocalContext
{
    public static HttpContext Create(
        string method, HttpContext cause, IHeaderDictionary metadata, PipeReader requests, PipeWriter responses, CancellationToken ended)
    {
        metadata.ContentType = "application/grpc";
        metadata.Host = cause.Request.Host.Value;
        FeatureCollection features = new();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = HttpMethods.Post,
            Protocol = HttpProtocol.Http2,
            Scheme = cause.Request.Scheme,
            Path = method,
            Headers = metadata,
        });
        features.Set<IRequestBodyPipeFeature>(new RequestBody(new CancelledReader(requests, ended)));
        features.Set<IHttpResponseFeature>(new Response(cause.Response));
        features.Set<IHttpResponseBodyFeature>(new ResponseBody(responses));
        features.Set<IHttpResponseTrailersFeature>(new ResponseTrailers());
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = ended });
        features.Set(cause.Features.Get<IHttpConnectionFeature>());
        features.Set(cause.Features.Get<ITlsConnectionFeature>());
        features.Set(cause.Features.Get<IServiceProvidersFeature>());
        return new DefaultHttpContext(features);
    }

    private sealed class RequestBody(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }

    /// <summary>Disposes of a call's services when the response that waits for the call is complete.</summary>
    private sealed class Response(HttpResponse cause) : HttpResponseFeature
    {
        public override void OnCompleted(Func<object, Task> callback, object state) => cause.OnCompleted(callback, state);
    }

    private sealed class ResponseBody(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream { get; } = writer.AsStream(leaveOpen: true);

        public PipeWriter Writer => writer;

        public void DisableBuffering()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("gRPC sends no files.");

        public Task CompleteAsync() => writer.CompleteAsync().AsTask();
    }

    private sealed class ResponseTrailers : IHttpResponseTrailersFeature
    {
        public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();
    }

    /// <summary>
    /// Ends a read when the call is cancelled, even one that was given no token: as reads of a connection end when it does.
    /// </summary>
    private sealed class CancelledReader(PipeReader reader, CancellationToken ended) : PipeReader
    {
        public override bool TryRead(out ReadResult result) => reader.TryRead(out result);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            reader.ReadAsync(cancellationToken.CanBeCanceled ? cancellationToken : ended);

        public override void AdvanceTo(SequencePosition consumed) => reader.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => reader.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => reader.CancelPendingRead();

        public override void Complete(Exception? exception = null) => reader.Complete(exception);
    }
}
