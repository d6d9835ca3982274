using System.Runtime.CompilerServices;
using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Server.Watching;
using PgEtcd.Server.Wire;

namespace PgEtcd.Server.Concurrency;

/// <summary>A watch by the server itself: a stream of the hub like any client's.</summary>
internal static class LocalWatch
{
    /// <summary>What the watch is told, beginning with its first events. Leaving the loop ends it.</summary>
    /// <param name="hub">Where to watch.</param>
    /// <param name="headers">Of the replies.</param>
    /// <param name="target">What to watch.</param>
    /// <param name="ended">Ends it.</param>
    /// <exception cref="OperationCanceledException"><paramref name="ended"/>.</exception>
    /// <exception cref="RpcException">The hub could not go on serving it.</exception>
    public static async IAsyncEnumerable<WatchReply> WatchAsync(
        this WatchHub hub, ResponseHeaders headers, WatchTarget target, [EnumeratorCancellation] CancellationToken ended)
    {
        WatchStream stream = hub.Open(headers);
        try
        {
            stream.Create(0, target);
            // Registered last: when it has ended already, the stream is closed here, with its watch in it.
            await using CancellationTokenRegistration closing = ended.UnsafeRegister(_ => hub.Close(stream), null);
            while (await stream.Queue.WaitAsync())
            {
                while (stream.Queue.TryTake(out WatchReply? reply, out _))
                {
                    if (!reply.Created)
                    {
                        yield return reply;
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
