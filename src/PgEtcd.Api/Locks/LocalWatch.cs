using System.Runtime.CompilerServices;
using Grpc.Core;
using PgEtcd.Frontend.Watching;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Locks;

/// <summary>A watch by the server itself: a stream of the hub like any client's.</summary>
internal static class LocalWatch
{
    /// <summary>What the watch is told, beginning with its first events. Leaving the loop ends it.</summary>
    /// <param name="hub">Where to watch.</param>
    /// <param name="target">What to watch.</param>
    /// <param name="ended">Ends it.</param>
    /// <exception cref="OperationCanceledException"><paramref name="ended"/>.</exception>
    /// <exception cref="RpcException">The hub could not go on serving it.</exception>
    public static async IAsyncEnumerable<WatchUpdate> WatchAsync(
        this WatchHub hub, WatchTarget target, [EnumeratorCancellation] CancellationToken ended)
    {
        WatchStream stream = hub.Open();
        try
        {
            stream.Create(0, target);
            // Registered last: when it has ended already, the stream is closed here, with its watch in it.
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
