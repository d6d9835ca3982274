namespace PgEtcd.Postgres.Calls;

/// <summary>Work that is done once for all callers that need it: one round is under way at a time, and callers that arrive meanwhile share
/// the next.</summary>
/// <param name="open">Creates a round when its first member joins.</param>
/// <param name="run">Does the work. It begins after all of the round's members have joined.</param>
public sealed class Rounds<TRound, TResult>(Func<TRound> open, Func<TRound, Task<TResult>> run)
    where TRound : class
{
    private readonly Lock _gate = new();
    private List<TaskCompletionSource<TResult>> _waiters = [];
    private TRound? _next;
    private bool _running;

    /// <summary>Joins the next round.</summary>
    /// <param name="enter">Adds the caller's request to the round; called at once.</param>
    /// <returns>The round's result, the same for all members.</returns>
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

            // The loop leaves the round before it answers: continuations of an answer must not delay the next round.
            bool isLast;
            lock (_gate)
            {
                isLast = _next is null;
                _running = !isLast;
            }

            Action<TaskCompletionSource<TResult>> answer = error is null
                ? waiter => waiter.SetResult(result)
                : waiter => waiter.SetException(error);
            Answers.Give(waiters, answer, atOnce: isLast);
            if (isLast)
            {
                return;
            }

            // Yields behind the answers in the thread pool's queue. When the pool is busy, the calls that follow the answers join
            // this round (a quarter more linearizable reads at 500 in flight); when it is not, this takes no time.
            await Task.Yield();
        }
    }
}
