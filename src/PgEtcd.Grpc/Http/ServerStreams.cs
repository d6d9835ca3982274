using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Grpc.Http;

/// <summary>The client's messages as the service reads them.</summary>
internal sealed class ServerStreamReader<T>(ServerCall call, Marshaller<T> marshaller) : IAsyncStreamReader<T>
{
    private bool _ended;

    public T Current { get; private set; } = default!;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (_ended)
            return false;
        try
        {
            CancellationToken token = cancellationToken.CanBeCanceled ? cancellationToken : call.DeadlineToken;
            (bool found, T message) = await call.Reader.ReadNextAsync(marshaller, token);
            Current = message;
            _ended = !found;
            return found;
        }
        catch (IOException e)
        {
            throw new OperationCanceledException("The client dropped the call.", e);
        }
    }
}

/// <summary>
/// The service's responses. Each is flushed and the flush awaited, so that a client that does not read stops the
/// service instead of filling memory.
/// </summary>
internal sealed class ServerStreamWriter<T>(ServerCall call, Marshaller<T> marshaller) : IServerStreamWriter<T>
{
    // What a service may leave unflushed with BufferHint.
    private const long MaxUnflushed = 64 * 1024;

    private int _writing;

    public WriteOptions? WriteOptions
    {
        get => call.WriteOptions;
        set => call.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Interlocked.Exchange(ref _writing, 1) != 0)
            throw new InvalidOperationException("The previous write has not ended.");
        ValueTask<FlushResult> flush;
        try
        {
            call.Write(marshaller, message);
            bool mayWait = call.WriteOptions is { } options && options.Flags.HasFlag(WriteFlags.BufferHint);
            flush = mayWait && call.Output.CanGetUnflushedBytes && call.Output.UnflushedBytes < MaxUnflushed
                ? default
                : call.Output.FlushAsync(cancellationToken.CanBeCanceled ? cancellationToken : call.DeadlineToken);
        }
        catch
        {
            Volatile.Write(ref _writing, 0);
            throw;
        }
        if (!flush.IsCompletedSuccessfully)
            return EndAsync(flush);
        Volatile.Write(ref _writing, 0);
        ThrowIfGone(flush.Result);
        return Task.CompletedTask;
    }

    private async Task EndAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            ThrowIfGone(await flush);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    private static void ThrowIfGone(FlushResult flush)
    {
        if (flush.IsCompleted || flush.IsCanceled)
            throw new OperationCanceledException("The client dropped the call.");
    }
}
