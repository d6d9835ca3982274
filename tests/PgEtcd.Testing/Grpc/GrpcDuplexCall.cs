using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;

namespace PgEtcd.Testing.Grpc;

/// <summary>A call with both directions open. One writer and one reader at a time; disposing cancels the call.</summary>
public sealed class GrpcDuplexCall<TRequest, TResponse>(AsyncDuplexStreamingCall<TRequest, TResponse> call) : IAsyncDisposable, IDisposable
    where TRequest : IMessage
    where TResponse : IMessage<TResponse>, new()
{
    /// <summary>A read whose caller has stopped waiting; cancelling it would cancel the call.</summary>
    private Task<bool>? _reading;

    /// <summary>The message found by the last <see cref="MoveNextAsync"/>.</summary>
    public TResponse Current { get; private set; } = new();

    /// <summary>The trailers, once the call has ended.</summary>
    public Metadata Trailers => call.GetTrailers();

    /// <summary>Waits for the response headers.</summary>
    public Task<Metadata> ResponseHeadersAsync() => call.ResponseHeadersAsync;

    /// <summary>Sends one message.</summary>
    public async Task WriteAsync(TRequest request, CancellationToken cancellationToken = default)
    {
        try
        {
            await call.RequestStream.WriteAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException error)
        {
            throw GrpcChannel.Mended(error);
        }
        catch (InvalidOperationException over)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, over.Message, over));
        }
    }

    /// <summary>Ends the requests. If the call has already ended, reading tells how.</summary>
    public async Task CompleteAsync()
    {
        try
        {
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException)
        {
            // The call has already ended.
        }
    }

    /// <summary>Waits for the next message; false when the server has ended the call with OK.</summary>
    public async Task<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            _reading ??= call.ResponseStream.MoveNext(CancellationToken.None);
            bool found = await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
            _reading = null;
            Current = found ? call.ResponseStream.Current : new TResponse();
            return found;
        }
        catch (OperationCanceledException late)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "The client cancelled the call.", late));
        }
        catch (RpcException error)
        {
            throw GrpcChannel.Mended(error);
        }
    }

    /// <summary>Waits for the next message, which must come.</summary>
    /// <exception cref="EndOfStreamException">The server ended the call with OK.</exception>
    public async Task<TResponse> ReadAsync(CancellationToken cancellationToken = default) =>
        await MoveNextAsync(cancellationToken).ConfigureAwait(false)
            ? Current
            : throw new EndOfStreamException("The server ended the call.");

    /// <summary>All messages to come.</summary>
    public async IAsyncEnumerable<TResponse> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return Current;
        }
    }

    /// <summary>Cancels the call if it is not over.</summary>
    public void Dispose() => call.Dispose();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        call.Dispose();
        return ValueTask.CompletedTask;
    }
}
