using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Services;

/// <summary>Why a watch stream ended: the first cause counts. A client goes on after Unavailable, at this frontend or another.</summary>
/// <param name="logger">Gets unexpected exceptions.</param>
/// <param name="client">Cancelled when the client has gone.</param>
/// <param name="stopping">Cancelled when the server stops.</param>
internal sealed class WatchEnding(ILogger logger, CancellationToken client, CancellationToken stopping)
{
    private RpcException? _cause;

    /// <summary>Reading or writing ended with an exception. A cancellation is the client's when nothing here has cancelled: it is
    /// seen at the connection before the call's token fires.</summary>
    public void Failed(Exception exception)
    {
        switch (exception)
        {
            case OperationCanceledException:
                bool isStopped = stopping.IsCancellationRequested && !client.IsCancellationRequested;
                Set((isStopped ? EtcdErrors.Stopped : EtcdErrors.WatchCanceled).ToException());
                break;
            case RpcException said:
                Set(said);
                break;
            default:
                if (Set(EtcdErrors.Stopped.ToException()))
                {
                    Log.WatchFailed(logger, exception);
                }

                break;
        }
    }

    /// <summary>The hub has closed the stream.</summary>
    public void Closed() => Set(EtcdErrors.Stopped.ToException());

    /// <summary>The cause.</summary>
    public RpcException ToException() => _cause ?? EtcdErrors.Stopped.ToException();

    private bool Set(RpcException cause) => Interlocked.CompareExchange(ref _cause, cause, null) is null;
}
