using Google.Protobuf;
using Grpc.Core;

namespace PgEtcd.Testing.Grpc;

/// <summary>A call with both directions open. One writer and one reader at a time; disposing cancels the call.</summary>
public sealed class GrpcDuplexCall<TRequest, TResponse>(GrpcRawCall call) : IAsyncDisposable, IDisposable
    where TRequest : IMessage
    where TResponse : IMessage<TResponse>, new()
{
    /// <summary>The message that the last <see cref="MoveNextAsync"/> found.</summary>
    public TResponse Current { get; private set; } = new();

    /// <summary>The trailers; empty until the call has ended.</summary>
    public Metadata Trailers => call.Trailers;

    /// <summary>Waits for the response headers.</summary>
    public Task<Metadata> ResponseHeadersAsync() => call.ResponseHeadersAsync();

    /// <summary>Sends one message.</summary>
    public Task WriteAsync(TRequest request, CancellationToken cancellationToken = default) =>
        call.WriteAsync(request.ToByteArray(), cancellationToken);

    /// <summary>Says that no more messages come.</summary>
    public Task CompleteAsync() => call.CompleteAsync();

    /// <summary>Waits for the next message; false when the server has ended the call with OK.</summary>
    public async Task<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        if (!await call.MoveNextAsync(cancellationToken).ConfigureAwait(false))
            return false;
        Current = GrpcChannel.Parse<TResponse>(call.Current);
        return true;
    }

    /// <summary>The next message.</summary>
    /// <exception cref="EndOfStreamException">The server ended the call with OK.</exception>
    public async Task<TResponse> ReadAsync(CancellationToken cancellationToken = default) =>
        await MoveNextAsync(cancellationToken).ConfigureAwait(false) ? Current : throw new EndOfStreamException("The server ended the call.");

    /// <summary>All messages to come.</summary>
    public async IAsyncEnumerable<TResponse> ReadAllAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await MoveNextAsync(cancellationToken).ConfigureAwait(false))
            yield return Current;
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
