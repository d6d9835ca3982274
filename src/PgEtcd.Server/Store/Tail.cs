using PgEtcd.Mvcc;
using PgEtcd.Postgres;

namespace PgEtcd.Server.Store;

/// <summary>Keeps the replica up with the log, and is the barrier of linearizable reads (design §5): whoever awaits
/// <see cref="CatchUpAsync"/> continues when a tail query that was sent after the call has been taken in. All who wait
/// while one query is under way share the next.</summary>
public sealed class Tail(RevisionLog log, Replica replica, Database database, TimeSpan timeLimit, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly List<LogRow> _rows = [];
    private readonly StateReader _states = new(database);
    private Round? _next;
    private bool _running;

    /// <summary>Waits until the replica holds everything that was committed when this was called.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer within the time limit.</exception>
    public Task CatchUpAsync()
    {
        TaskCompletionSource waiter = new();
        lock (_gate)
        {
            _next ??= new Round(clock.GetTimestamp(), []);
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

    /// <summary>Takes in what was committed, unless the announced revision is in already.</summary>
    /// <param name="announced">A head that a notification named, or null.</param>
    public async Task WakeAsync(long? announced)
    {
        if (announced is { } head && head <= replica.Current.Revision)
        {
            return;
        }

        try
        {
            await CatchUpAsync();
        }
        catch (StoreUnavailableException)
        {
            // The next wake-up tries again.
        }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Round round;
            lock (_gate)
            {
                round = _next!;
                _next = null;
            }

            Exception? error = null;
            try
            {
                await ReadAsync(round);
            }
            catch (Exception exception)
            {
                error = exception is OperationCanceledException || DatabaseErrors.IsTransient(exception)
                    ? new StoreUnavailableException(exception)
                    : exception;
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
                Answers.Give(round.Waiters, static waiter => waiter.SetResult(), atOnce: isLast);
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

    /// <summary>Reads within what is left of the round's time. On a network that has gone silent a read does not fail by
    /// itself.</summary>
    private async Task ReadAsync(Round round)
    {
        TimeSpan left = timeLimit - clock.GetElapsedTime(round.Started);
        if (left <= TimeSpan.Zero)
        {
            throw new StoreUnavailableException();
        }

        using CancellationTokenSource limit = new(left, clock);
        try
        {
            await ReadOnceAsync(limit.Token);
        }
        catch (Exception exception) when (DatabaseErrors.IsTransient(exception) && !limit.IsCancellationRequested)
        {
            await database.Retry.ExecuteAsync(async token => await ReadOnceAsync(token), limit.Token);
        }
    }

    private async ValueTask ReadOnceAsync(CancellationToken cancellationToken)
    {
        _rows.Clear();
        LogPosition position = await log.PositionAsync(cancellationToken);
        long applied = replica.Current.Revision;
        if (position.Revision > applied)
        {
            try
            {
                position = await log.TailAsync(applied, _rows.Add, cancellationToken);
            }
            catch (LogGapException)
            {
                // We were away for so long that compaction has removed what we had not read (kine#220).
                await LoadAsync(cancellationToken);
                return;
            }
        }

        if (!replica.TakeIn(_rows, position))
        {
            await LoadAsync(cancellationToken);
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        (LogPosition position, KeySpace keys) = await _states.LoadAsync(cancellationToken);
        replica.Restart(keys, position.AuthRevision);
    }

    /// <summary>Those who share one tail query.</summary>
    /// <param name="Started">When the first of them came.</param>
    /// <param name="Waiters">All of them.</param>
    private sealed record Round(long Started, List<TaskCompletionSource> Waiters);
}
