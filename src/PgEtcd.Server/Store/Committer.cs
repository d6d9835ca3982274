using PgEtcd.Mvcc;
using PgEtcd.Postgres;

namespace PgEtcd.Server.Store;

/// <summary>Makes writes durable (design §4): takes what has queued up, evaluates it on a fork, sends one conditional
/// append, and answers when its commit has returned. One batch is under way at a time; the next gathers meanwhile.</summary>
public sealed class Committer(
    RevisionLog log, Replica replica, Tail tail, Database database, TimeSpan timeLimit, TimeProvider clock)
{
    private const int MaxRequests = 1000;

    /// <summary>Bounds the memory a batch takes, here and in PostgreSQL.</summary>
    private const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>So many lost appends in a row, and the next one takes the lock before it evaluates.</summary>
    private const int MaxLosses = 3;

    private readonly Lock _gate = new();
    private readonly Queue<PendingWrite> _queue = new();
    private readonly List<LogRow> _missed = [];
    private List<PendingWrite> _batch = [];
    private bool _running;

    /// <summary>Commits a write.</summary>
    /// <param name="operation">Put, DeleteRange, Txn or RevokeLease, checked (<see cref="RequestCheck"/>).</param>
    /// <param name="size">Its size on the wire, bytes.</param>
    /// <param name="history">Where a Txn reads older revisions.</param>
    /// <param name="origin">Who asked.</param>
    /// <exception cref="StoreUnavailableException">The database was away too long; the write may or may not have
    /// happened.</exception>
    public Task<WriteAnswer> WriteAsync(Operation operation, int size, IHistory history, Origin origin)
    {
        PendingWrite write = new(operation, size, history, origin, clock.GetTimestamp());
        lock (_gate)
        {
            _queue.Enqueue(write);
            if (_running)
            {
                return write.Task;
            }

            _running = true;
        }

        _ = RunAsync();
        return write.Task;
    }

    private async Task RunAsync()
    {
        for (bool more = Take(); more;)
        {
            Exception? error = null;
            try
            {
                await CommitAsync();
            }
            catch (Exception exception)
            {
                error = exception;
            }

            // The loop lets go before it answers: what an answer sets off must not hold up the next batch.
            List<PendingWrite> done = _batch;
            more = Take();
            if (error is null)
            {
                Answers.Give(done, static write => write.TrySetResult(write.Answer), atOnce: !more);
            }
            else
            {
                Answers.Give(done, write => write.TrySetException(error), atOnce: !more);
            }
        }
    }

    private bool Take()
    {
        List<PendingWrite> batch = [];
        int bytes = 0;
        lock (_gate)
        {
            while (batch.Count < MaxRequests && bytes < MaxBytes && _queue.TryDequeue(out PendingWrite? write))
            {
                bytes += write.Size;
                batch.Add(write);
            }

            _batch = batch;
            _running = batch.Count > 0;
            return _running;
        }
    }

    private async Task CommitAsync()
    {
        HashSet<long> missingLeases = [];
        for (int losses = 0; ;)
        {
            Evaluation evaluation;
            AppendResult? result;
            bool isPresent = false;
            if (losses < MaxLosses)
            {
                evaluation = Evaluation.Of(_batch, replica.State, missingLeases);
                result = evaluation.Append.IsEmpty ? null : await AppendAsync(evaluation.Append);
            }
            else
            {
                (evaluation, result, isPresent) = await AppendLockedAsync(missingLeases);
            }

            switch (result)
            {
                case null when isPresent || await IsPresentAsync(evaluation.State):
                    return; // nothing to write, and what was read is what is committed
                case null:
                    losses++;
                    break;
                case { Outcome: AppendOutcome.Appended }:
                    replica.Publish(evaluation.Committed());
                    return;
                case { Outcome: AppendOutcome.LeaseMissing }:
                    missingLeases.UnionWith(result.Value.MissingLeases);
                    break;
                case { Outcome: AppendOutcome.Conflict }:
                    replica.TakeIn(_missed, result.Value.Position);
                    losses++;
                    break;
            }
        }
    }

    /// <summary>Appends, however often the connection breaks: the same batch is appended once (design §2.6).</summary>
    private async Task<AppendResult> AppendAsync(AppendBatch append)
    {
        try
        {
            return await database.Retry.ExecuteAsync(
                async token =>
                {
                    ExpireWaiting();
                    _missed.Clear();
                    return await log.AppendAsync(append, _missed.Add, token);
                },
                CancellationToken.None);
        }
        catch
        {
            log.Abandon();
            throw;
        }
    }

    /// <summary>Evaluates under the append lock, so that this batch cannot lose again (design §4).</summary>
    private async Task<(Evaluation Evaluation, AppendResult? Result, bool IsPresent)> AppendLockedAsync(HashSet<long> missingLeases)
    {
        Evaluation? evaluation = null;
        try
        {
            _missed.Clear();
            AppendResult? result = await log.AppendLockedAsync(
                replica.Current.Revision,
                _missed.Add,
                position =>
                {
                    replica.TakeIn(_missed, position);
                    _missed.Clear();
                    evaluation = Evaluation.Of(_batch, replica.State, missingLeases);
                    return evaluation.Append.IsEmpty ? null : evaluation.Append;
                },
                CancellationToken.None);
            return (evaluation!, result, true);
        }
        catch (Exception exception) when (DatabaseErrors.IsTransient(exception))
        {
            evaluation ??= Evaluation.Of(_batch, replica.State, missingLeases);
            return (evaluation, evaluation.Append.IsEmpty ? null : await AppendAsync(evaluation.Append), false);
        }
    }

    private async Task<bool> IsPresentAsync(ReplicaState evaluatedAt)
    {
        await tail.CatchUpAsync();
        return replica.State.Position == evaluatedAt.Position;
    }

    /// <summary>Answers those whose time is up. When nobody is left who waits for this batch, it is given up.</summary>
    private void ExpireWaiting()
    {
        List<PendingWrite> expired = [.. _batch.Where(IsExpired)];
        bool isAbandoned = expired.Count == _batch.Count;
        lock (_gate)
        {
            while (_queue.TryPeek(out PendingWrite? write) && IsExpired(write))
            {
                expired.Add(_queue.Dequeue());
            }
        }

        if (expired.Count > 0)
        {
            Answers.Give(expired, static write => write.TrySetException(new StoreUnavailableException()), atOnce: false);
        }

        if (isAbandoned)
        {
            throw new StoreUnavailableException();
        }
    }

    private bool IsExpired(PendingWrite write) => clock.GetElapsedTime(write.Enqueued) > timeLimit;
}
