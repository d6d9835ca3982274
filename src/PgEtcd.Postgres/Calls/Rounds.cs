namespace PgEtcd.Postgres.Calls;

/// <summary>Work that is done once for all who want it: one round is under way at a time, and those who come meanwhile share
/// the next.</summary>
/// <param name="open">Makes a round when the first of its members comes.</param>
/// <param name="run">Does the work. It begins after each of the round's members has come.</param>
public sealed class Rounds<TRound, TResult>(Func<TRound> open, Func<TRound, Task<TResult>> run)
    where TRound : class
{
    private readonly Lock _gate = new();
    private List<TaskCompletionSource<TResult>> _waiters = [];
    private TRound? _next;
    private bool _running;

    /// <summary>Takes part in the next round.</summary>
    /// <param name="enter">Leaves with the round what one wants of it; called at once.</param>
    /// <returns>What the round came to, for all alike.</returns>
    public Task<TResult> JoinAsync(Action<TRound>? enter = null)
    {
        TaskCompletionSource<TResult> waiter = new();
        lock (_gate)
        {
            _next ??= open();
            enter?.Invoke(_next);
            _waiters.Add(waiter);
            if (_running)
            {
                return waiter.Task;
            }

            _running = true;
        }

        _ = RunAsync();
        return waiter.Task;
    }

    private async Task RunAsync()
    {
        Spans.LeaveCall();
        while (true)
        {
            TRound round;
            List<TaskCompletionSource<TResult>> waiters;
            lock (_gate)
            {
                (round, _next) = (_next!, null);
                (waiters, _waiters) = (_waiters, []);
            }

            TResult result = default!;
            Exception? error = null;
            try
            {
                result = await run(round);
            }
            catch (Exception exception)
            {
                error = exception;
            }

            // The loop lets go before it answers: what an answer sets off must not hold up the next round.
            bool isLast;
            lock (_gate)
            {
                isLast = _next is null;
                _running = !isLast;
            }

            if (error is null)
            {
                Answers.Give(waiters, waiter => waiter.SetResult(result), atOnce: isLast);
            }
            else
            {
                Answers.Give(waiters, waiter => waiter.SetException(error), atOnce: isLast);
            }

            if (isLast)
            {
                return;
            }

            // Behind the answers in the thread pool's queue: when it is busy, what they set off comes into this round (a quarter
            // more linearizable reads at 500 in flight), and when it is not, this takes no time.
            await Task.Yield();
        }
    }
}
