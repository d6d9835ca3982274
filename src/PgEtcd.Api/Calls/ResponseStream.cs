using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>A service's responses. A client that does not read makes the writer wait, and one that has gone is a cancellation.</summary>
internal sealed class ResponseStream<T>(IServerStreamWriter<T> inner, CallContext call) : IServerStreamWriter<T>
{
    /// <summary>The package flushes nothing that may wait, however much it is.</summary>
    private const long MostUnflushed = 64 * 1024;

    private readonly CancellationToken _ended = call.CancellationToken;
    private readonly PipeWriter _output = call.Http.Response.BodyWriter;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool mayWait = WriteOptions is { } options && options.Flags.HasFlag(WriteFlags.BufferHint) && _output.UnflushedBytes < MostUnflushed;
        inner.WriteOptions = mayWait ? WriteOptions : null;
        Task write = inner.WriteAsync(message, CancellationToken.None); // a token would reset the stream when it fires
        return write.IsCompletedSuccessfully ? write : WaitAsync(write, cancellationToken);
    }

    private async Task WaitAsync(Task write, CancellationToken cancellationToken)
    {
        try
        {
            await write.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (Gone.Means(exception, call, _ended))
        {
            throw Gone.Cancellation(exception);
        }
    }
}
