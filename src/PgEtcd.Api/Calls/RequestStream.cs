using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>A client's requests. Reads are cancelled when the client has gone.</summary>
/// <param name="inner">The package's stream.</param>
/// <param name="call">The call.</param>
/// <param name="max">Largest message in bytes.</param>
internal sealed class RequestStream<T>(IAsyncStreamReader<T> inner, CallContext call, int max) : IAsyncStreamReader<T>
{
    private readonly CancellationToken _ended = call.CancellationToken;

    public T Current => inner.Current;

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        Task<bool> read = inner.MoveNext(cancellationToken.CanBeCanceled ? cancellationToken : _ended);
        return read.IsCompletedSuccessfully ? read : WaitAsync(read);
    }

    private async Task<bool> WaitAsync(Task<bool> read)
    {
        try
        {
            return await read;
        }
        catch (Exception exception) when (Endings.IsOver(exception, call, _ended))
        {
            throw Endings.Gone(exception);
        }
        catch (Exception exception) when (exception is not OperationCanceledException && Endings.OfUnreadable(exception, max) is { } status)
        {
            throw new RpcException(status);
        }
    }
}
