namespace PgEtcd.Frontend.Auth;

/// <summary>Limits expensive work to a few turns at a time, given to the waiting addresses in rotation. An address that asks for thousands
/// of turns delays only itself: a newcomer waits for at most one turn of each other address.</summary>
/// <param name="atOnce">Turns at a time.</param>
/// <param name="mostWaiting">Most waiters of one address.</param>
internal sealed class FairTurns(int atOnce, int mostWaiting)
{
    private readonly Lock _gate = new();

    /// <summary>The waiters by address. No queue is empty.</summary>
    private readonly Dictionary<string, Queue<TaskCompletionSource<bool>>> _waiting = [];

    /// <summary>The addresses with waiters, the next one first.</summary>
    private readonly Queue<string> _rotation = new();
    private int _free = atOnce;

    /// <summary>Waits for a turn, which <see cref="Leave"/> ends.</summary>
    /// <returns>False if too many wait at that address: there is no turn to end.</returns>
    public Task<bool> EnterAsync(string address)
    {
        lock (_gate)
        {
            if (_free > 0)
            {
                _free--;
                return Task.FromResult(true);
            }

            if (!_waiting.TryGetValue(address, out Queue<TaskCompletionSource<bool>>? queue))
            {
                _waiting[address] = queue = new Queue<TaskCompletionSource<bool>>();
                _rotation.Enqueue(address);
            }
            else if (queue.Count >= mostWaiting)
            {
                return Task.FromResult(false);
            }

            TaskCompletionSource<bool> turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
            queue.Enqueue(turn);
            return turn.Task;
        }
    }

    /// <summary>Ends a turn.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (!_rotation.TryDequeue(out string? address))
            {
                _free++;
                return;
            }

            Queue<TaskCompletionSource<bool>> queue = _waiting[address];
            queue.Dequeue().SetResult(true);
            if (queue.Count > 0)
            {
                _rotation.Enqueue(address);
            }
            else
            {
                _waiting.Remove(address);
            }
        }
    }
}
