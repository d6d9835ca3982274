namespace PgEtcd.Api.Connections;

/// <summary>Memory held for clients that do not finish their requests or do not read their answers. A connection may hold up to half of
/// what is still free, so a single one gets a third, and many leave room for one more.</summary>
/// <param name="most">Bytes that all connections may hold.</param>
/// <param name="least">Bytes that each connection may hold even if the others hold too much: enough for a large message.</param>
public sealed class HeldBytes(long most, long least)
{
    /// <summary>Bytes that each request or answer may hold uncounted: one block of Kestrel's memory. Most are smaller.</summary>
    internal const int Uncounted = 4096;

    private const int Share = 2;
    private const int PartOfMemory = 8;
    private const long MostOfMachine = 512L << 20;
    private const long LeastOfMachine = 64L << 20;

    private long _all;

    /// <summary>Limits the total to an eighth of the memory available to the process, but at least 64 and at most 512 MB.</summary>
    /// <param name="least">As in the constructor.</param>
    public static HeldBytes OfMachine(long least) =>
        new(Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / PartOfMemory, LeastOfMachine, MostOfMachine), least);

    /// <summary>Bytes that all connections hold now.</summary>
    public long All => Interlocked.Read(ref _all);

    /// <summary>The account of a request's connection.</summary>
    internal Account Of(HttpContext context) => ConnectionState.Of(context, this, () => new Account(this));

    /// <summary>The memory held by one connection.</summary>
    internal sealed class Account(HeldBytes all)
    {
        private readonly Lock _gate = new();
        private readonly Queue<(long Bytes, TaskCompletionSource Room)> _waiting = new();
        private long _held;
        private int _refusals;

        /// <summary>Takes room for bytes that have already arrived.</summary>
        /// <returns>False if there is no room; nothing is taken then.</returns>
        public bool TryTake(long bytes)
        {
            lock (_gate)
            {
                bool hasRoom = HasRoom(bytes);
                if (hasRoom)
                {
                    Take(bytes);
                }

                return hasRoom;
            }
        }

        /// <summary>Waits in turn for room for bytes that are still to be written, and takes it. A connection that holds nothing has room
        /// for any number.</summary>
        public Task TakeAsync(long bytes, CancellationToken cancellationToken)
        {
            TaskCompletionSource room;
            lock (_gate)
            {
                if (_held == 0 || (_waiting.Count == 0 && HasRoom(bytes)))
                {
                    Take(bytes);
                    return Task.CompletedTask;
                }

                room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Enqueue((bytes, room));
            }

            return WaitAsync(room, cancellationToken);
        }

        /// <summary>Gives room back.</summary>
        public void Give(long bytes)
        {
            lock (_gate)
            {
                _held -= bytes;
                Interlocked.Add(ref all._all, -bytes);
                while (_waiting.TryPeek(out (long Bytes, TaskCompletionSource Room) next) && (_held == 0 || HasRoom(next.Bytes)))
                {
                    _waiting.Dequeue();
                    if (next.Room.TrySetResult())
                    {
                        Take(next.Bytes);
                    }
                }
            }
        }

        /// <summary>Returns true only the first time.</summary>
        public bool IsFirstRefusal() => Interlocked.Exchange(ref _refusals, 1) == 0;

        private static async Task WaitAsync(TaskCompletionSource room, CancellationToken cancellationToken)
        {
            await using CancellationTokenRegistration gone = cancellationToken.Register(() => room.TrySetCanceled(cancellationToken));
            await room.Task;
        }

        private bool HasRoom(long bytes) => _held + bytes <= all.MostOfOne;

        private void Take(long bytes)
        {
            _held += bytes;
            Interlocked.Add(ref all._all, bytes);
        }
    }

    private long MostOfOne => Math.Max(least, (most - All) / Share);
}
