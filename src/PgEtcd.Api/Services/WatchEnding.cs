using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Services;

/// <summary>The cause of a watch stream's end; the first cause counts. After Unavailable, clients resume at this or another
/// frontend.</summary>
/// <param name="logger">Gets unexpected exceptions.</param>
/// <param name="client">Cancelled when the client has gone.</param>
/// <param name="stopping">Cancelled when the server stops.</param>
internal sealed class WatchEnding(ILogger logger, CancellationToken client, CancellationToken stopping)
{
    private RpcException? _cause;

    /// <summary>Notes that reading or writing ended with an exception. A cancellation counts as the client's unless the server is
    /// stopping, because a lost connection is noticed before the call's token fires.</summary>
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

    /// <summary>Notes that the hub has closed the stream.</summary>
    public void Closed() => Set(EtcdErrors.Stopped.ToException());

    /// <summary>The cause as the status of the call.</summary>
    public RpcException ToException() => _cause ?? EtcdErrors.Stopped.ToException();

    private bool Set(RpcException cause) => Interlocked.CompareExchange(ref _cause, cause, null) is null;
}
