using System.IO.Pipelines;
using Grpc.Core;
using PgEtcd.Api.Metrics;
using PgEtcd.Api.Wire;

namespace PgEtcd.Api.Calls;

/// <summary>A service's responses. Writes wait while the client does not read, and are cancelled when the client has gone.</summary>
/// <remarks>Messages go straight into the response. The package's writer costs two async frames, two tasks and a second pass through
/// the buffer for each message, and one put may cause a thousand messages (bench/HISTORY.md).</remarks>
internal sealed class ResponseStream<T>(Marshaller<T> marshaller, CallContext call, MethodMetrics metrics)
    : IServerStreamWriter<T>, IDisposable
{
    /// <summary>Bytes from which a message is flushed even if another follows.</summary>
    private const long MostUnflushed = Pieces.Size;

    /// <summary>Kestrel reuses the objects of a request for the next one, so nothing may be written after the call has ended.</summary>
    private readonly Lock _writing = new();

    private readonly LongMarshaller<T>? _long = marshaller as LongMarshaller<T>;
    private readonly PipeWriter _output = call.Http.Response.BodyWriter;
    private readonly CancellationToken _ended = call.CancellationToken;
    private long _unflushed = MostUnflushed; // the first message is sent at once, so that a later error goes into trailers

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_long is not null && _long.Size(message) is > Pieces.Size and var size)
        {
            return WriteInPiecesAsync(message, ProtoWriter.MessageSize(size), cancellationToken);
        }

        try
        {
            ValueTask<FlushResult> flush;
            lock (_writing)
            {
                ObjectDisposedException.ThrowIf(call.IsOver, this);
                int length = MessageFrame.Write(_output, marshaller, message);
                metrics.Sent(length);
                _unflushed += length;
                if (_unflushed < MostUnflushed && WriteOptions?.Flags == WriteFlags.BufferHint)
                {
                    return Task.CompletedTask;
                }

                _unflushed = 0;
                flush = _output.FlushAsync(CancellationToken.None); // a token would reset the stream when it fires
            }

            return Endings.FlushedAsync(flush, call, _ended, cancellationToken);
        }
        catch (Exception exception) when (Endings.IsOver(exception, call, _ended))
        {
            throw Endings.Gone(exception);
        }
    }

    /// <summary>Waits for a write under way; later writes are refused.</summary>
    public void Dispose()
    {
        lock (_writing)
        {
            call.IsOver = true;
        }
    }

    private async Task WriteInPiecesAsync(T message, int size, CancellationToken cancellationToken)
    {
        using IEnumerator<int> pieces = _long!.Pieces(message, _output).GetEnumerator();
        for (bool isBegun = false, more = true; more; isBegun = true)
        {
            try
            {
                ValueTask<FlushResult> flush;
                lock (_writing)
                {
                    ObjectDisposedException.ThrowIf(call.IsOver, this);
                    if (!isBegun)
                    {
                        MessageFrame.WritePrefix(_output, size);
                    }

                    more = pieces.MoveNext();
                    flush = _output.FlushAsync(CancellationToken.None);
                }

                await Endings.FlushedAsync(flush, call, _ended, cancellationToken);
            }
            catch (Exception exception) when (Endings.IsOver(exception, call, _ended))
            {
                throw Endings.Gone(exception);
            }
        }

        _unflushed = 0;
        metrics.Sent(size);
    }

}
