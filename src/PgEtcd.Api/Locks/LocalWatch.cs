using System.Runtime.CompilerServices;
using Grpc.Core;
using PgEtcd.Frontend.Watching;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Locks;

/// <summary>A watch by the server itself: a stream of the hub like any client's.</summary>
internal static class LocalWatch
{
    /// <summary>The updates of a watch, without the one that says it was created. Leaving the loop ends the watch.</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="target">What to watch.</param>
    /// <param name="ended">Ends the watch.</param>
    /// <exception cref="OperationCanceledException"><paramref name="ended"/> fired.</exception>
    /// <exception cref="RpcException">The hub closed the stream.</exception>
    public static async IAsyncEnumerable<WatchUpdate> WatchAsync(
        this WatchHub hub, WatchTarget target, [EnumeratorCancellation] CancellationToken ended)
    {
        WatchStream stream = hub.Open();
        try
        {
            stream.Create(0, target);
            // Registered after Create: if the token has fired already, this closes the stream together with its watch.
            await using CancellationTokenRegistration closing = ended.UnsafeRegister(_ => hub.Close(stream), null);
            while (await stream.Queue.WaitAsync())
            {
                while (stream.Queue.TryTake(out WatchUpdate? update, out _))
                {
                    if (!update.Created)
                    {
                        yield return update;
                    }
                }
            }
        }
        finally
        {
            hub.Close(stream);
        }

        ended.ThrowIfCancellationRequested();
        throw EtcdErrors.LostWatcher.ToException();
    }
}
