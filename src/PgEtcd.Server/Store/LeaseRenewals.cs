using PgEtcd.Postgres;

namespace PgEtcd.Server.Store;

/// <summary>Gathers the keep-alives of all streams: one statement is under way at a time and renews all leases that were
/// asked for while the one before it was.</summary>
/// <remarks>A single keep-alive goes at once. When several wait and more keep coming, they gather for up to 200 ms: fifty
/// thousand leases are kept alive by five statements a second. When no more come, there is nothing to wait for: clients that
/// send the next keep-alive only after the answer to the last are not held up.</remarks>
public sealed class LeaseRenewals(LeaseTable table, Database database, TimeSpan timeLimit, TimeProvider clock)
{
    /// <summary>How often one looks again for a lease that has expired and is not revoked yet.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest that is gathered, from the start of one statement to that of the next.</summary>
    private static readonly TimeSpan MostGathering = TimeSpan.FromMilliseconds(200);

    /// <summary>Nobody has come for so long: no more will. Where many wait it is longer, as many come in spurts.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan QuietOfMany = TimeSpan.FromMilliseconds(10);

    private const int Many = 8;

    private readonly Lock _gate = new();
    private Round? _next;
    private long _lastStarted = clock.GetTimestamp() - clock.TimestampFrequency;
    private bool _running;
    private long _statements;

    /// <summary>How many statements were sent since the start: many fewer than keep-alives, if many come at once.</summary>
    public long Statements => Volatile.Read(ref _statements);

    /// <summary>Renews a lease to its full TTL.</summary>
    /// <param name="id">The lease.</param>
    /// <returns>Its TTL in seconds; 0 when it is gone. For one that has expired the answer waits until it is
    /// (semantics.md §8), or until it has been given a new life because the database was away.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<long> RenewAsync(long id)
    {
        long started = clock.GetTimestamp();
        while (true)
        {
            Dictionary<long, long?> found = await NextRoundAsync(id);
            if (!found.TryGetValue(id, out long? ttl))
            {
                return 0;
            }

            if (ttl is not null)
            {
                return ttl.Value;
            }

            if (clock.GetElapsedTime(started) > timeLimit)
            {
                throw new StoreUnavailableException();
            }

            await Task.Delay(LookAgain, clock);
        }
    }

    /// <summary>What the next statement finds, which has this lease in it.</summary>
    private Task<Dictionary<long, long?>> NextRoundAsync(long id)
    {
        TaskCompletionSource<Dictionary<long, long?>> waiter = new();
        lock (_gate)
        {
            _next ??= new Round(clock.GetTimestamp());
            _next.Ids.Add(id);
            _next.Waiters.Add(waiter);
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
        while (true)
        {
            await GatherAsync();
            Round round;
            lock (_gate)
            {
                round = _next!;
                _next = null;
            }

            _lastStarted = clock.GetTimestamp();

            Dictionary<long, long?> found = [];
            Exception? error = null;
            try
            {
                TimeSpan left = timeLimit - clock.GetElapsedTime(round.Started);
                found = await database.InTimeAsync(left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), async token =>
                {
                    Interlocked.Increment(ref _statements);
                    return await table.KeepAliveAsync(round.Ids, token);
                });
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
                Answers.Give(round.Waiters, waiter => waiter.SetResult(found), atOnce: isLast);
            }
            else
            {
                Answers.Give(round.Waiters, waiter => waiter.SetException(error), atOnce: isLast);
            }

            if (isLast)
            {
                return;
            }
        }
    }

    private async Task GatherAsync()
    {
        for (int before = 1, waiting; (waiting = Waiting()) > before && clock.GetElapsedTime(_lastStarted) < MostGathering; before = waiting)
        {
            await Task.Delay(waiting > Many ? QuietOfMany : Quiet, clock);
        }
    }

    private int Waiting()
    {
        lock (_gate)
        {
            return _next!.Waiters.Count;
        }
    }

    /// <summary>Those who share one statement.</summary>
    /// <param name="Started">When the first of them came.</param>
    private sealed record Round(long Started)
    {
        public HashSet<long> Ids { get; } = [];

        public List<TaskCompletionSource<Dictionary<long, long?>>> Waiters { get; } = [];
    }
}
