namespace PgEtcd.Frontend.Auth;

/// <summary>Gives turns to do something dear, a few at a time. Addresses take turns with each other, so one that asks for thousands
/// waits for them itself, and another that asks for one is next but as many as there are addresses.</summary>
/// <param name="atOnce">Turns at a time.</param>
/// <param name="mostWaiting">How many may wait at one address.</param>
internal sealed class FairTurns(int atOnce, int mostWaiting)
{
    private readonly Lock _gate = new();

    /// <summary>Those that wait, by address. No queue is empty.</summary>
    private readonly Dictionary<string, Queue<TaskCompletionSource<bool>>> _waiting = [];

    /// <summary>The addresses among them, the next one first.</summary>
    private readonly Queue<string> _rotation = new();
    private int _free = atOnce;

    /// <summary>Waits for a turn, which <see cref="Leave"/> ends.</summary>
    /// <returns>False, and there is none to end: too many wait at that address.</returns>
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
