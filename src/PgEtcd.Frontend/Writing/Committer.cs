using System.Diagnostics;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Writing;

/// <summary>Makes writes durable (design §4): evaluates them on a fork, sends one conditional append for all that have
/// gathered, and answers when its commit has returned.</summary>
/// <remarks>One append is under way at a time. Writes that come meanwhile are evaluated at once, by the threads that bring them, on
/// the state that the append will leave; when it has returned they go out together. If it has lost, their evaluation is
/// void and they wait for a new one.</remarks>
public sealed class Committer(
    RevisionLog log, Replica replica, Tail tail, AuthStates auth, Database database, TimeSpan timeLimit, TimeProvider clock)
{
    /// <summary>So many lost appends in a row, and the next one takes the lock before it evaluates.</summary>
    private const int MaxLosses = 3;

    private readonly List<LogRow> _missed = [];
    private readonly WriteQueue _queue = new(replica);

    /// <summary>Writes that have not been answered.</summary>
    public int Pending => _queue.Count;

    /// <summary>Times each batch, unless it is null.</summary>
    public CommitTimer? Timer { get; init; }

    /// <summary>Commits a write.</summary>
    /// <param name="operation">Put, DeleteRange, Txn or RevokeLease, checked (<see cref="RequestCheck"/>).</param>
    /// <param name="size">Its size on the wire, bytes.</param>
    /// <param name="history">Where a Txn reads older revisions.</param>
    /// <param name="origin">The origin of the request.</param>
    /// <exception cref="StoreUnavailableException">The database was away too long; the write may or may not have
    /// happened.</exception>
    public Task<WriteAnswer> WriteAsync(Operation operation, int size, IHistory history, Origin origin)
    {
        PendingWrite write = new(operation, size, history, origin, clock.GetTimestamp());
        switch (_queue.Add(write))
        {
            case LoopStart.Now:
                Start();
                break;
            case LoopStart.Soon:
                ThreadPool.UnsafeQueueUserWorkItem(static committer => committer.Start(), this, preferLocal: false);
                break;
            case LoopStart.None:
                break;
        }

        return write.Task;
    }

    private void Start() => _ = RunAsync(_queue.Take()!);

    private async Task RunAsync(Batch first)
    {
        for (Batch? batch = first; batch is not null;)
        {
            Exception? error = null;
            IReadOnlyList<PendingWrite> done = batch.Writes;
            long started = clock.GetTimestamp();
            using (Activity? span = CommitTimer.Start(batch))
            {
                try
                {
                    await CommitAsync(batch);
                }
                catch (Exception exception)
                {
                    _queue.Close();
                    error = exception;
                    WriteMetrics.FailedWrites.Add(done.Count);
                    span?.SetStatus(ActivityStatusCode.Error);
                }
            }

            Timer?.End(done, clock.GetElapsedTime(started));
            // The loop lets go before it answers: what an answer sets off must not hold up the next batch.
            batch = _queue.Take();
            if (error is null)
            {
                Answers.Give(done, static write => write.Complete(), atOnce: batch is null);
            }
            else
            {
                Answers.Give(done, write => write.TrySetException(error), atOnce: batch is null);
            }
        }
    }

    private async Task CommitAsync(Batch batch)
    {
        long started = clock.GetTimestamp();
        HashSet<long> missingLeases = [];
        for (int losses = 0; ;)
        {
            AppendResult? result;
            bool isPresent = false;
            if (losses < MaxLosses)
            {
                result = batch.Append.IsEmpty ? null : await AppendAsync(batch);
            }
            else
            {
                WriteMetrics.Locked.Add(1);
                (batch, result, isPresent) = await AppendLockedAsync(batch, missingLeases);
            }

            switch (result)
            {
                case null when isPresent || await IsPresentAsync(batch.State):
                    WriteMetrics.Committed(batch, clock.GetElapsedTime(started));
                    return; // nothing to write, and what was read is what is committed
                case null:
                    losses++;
                    break;
                case { Outcome: AppendOutcome.Appended }:
                    replica.Publish(batch.Committed, batch.Events);
                    WriteMetrics.Committed(batch, clock.GetElapsedTime(started));
                    return;
                case { Outcome: AppendOutcome.LeaseMissing }:
                    missingLeases.UnionWith(result.Value.MissingLeases);
                    break;
                case { Outcome: AppendOutcome.Conflict }:
                    if (!auth.Has(result.Value.Position.AuthRevision) || !replica.TakeIn(_missed, result.Value.Position))
                    {
                        await tail.CatchUpAsync();
                    }

                    WriteMetrics.Conflicts.Add(1);
                    losses++;
                    break;
            }

            _queue.Close();
            batch = Batch.Of(batch.Writes, replica.State, missingLeases);
        }
    }

    /// <summary>Appends, however often the connection breaks: the same batch is appended once (design §2.6).</summary>
    private async Task<AppendResult?> AppendAsync(Batch batch)
    {
        _queue.Open(batch);
        try
        {
            return await database.Retry.ExecuteAsync(
                async token =>
                {
                    Expire(batch);
                    _missed.Clear();
                    return (AppendResult?)await log.AppendAsync(batch.Append, _missed.Add, token);
                },
                CancellationToken.None);
        }
        catch (LogGapException)
        {
            return null; // lost, and only the tail can tell to what
        }
        catch
        {
            log.Abandon();
            throw;
        }
    }

    /// <summary>Evaluates under the append lock, so that this batch cannot lose again (design §4).</summary>
    private async Task<(Batch Batch, AppendResult? Result, bool IsPresent)> AppendLockedAsync(Batch lost, HashSet<long> missingLeases)
    {
        Batch batch = lost;
        try
        {
            _missed.Clear();
            AppendResult? result = await log.AppendLockedAsync(
                replica.Current.Revision,
                _missed.Add,
                position =>
                {
                    if (!auth.Has(position.AuthRevision) || !replica.TakeIn(_missed, position))
                    {
                        throw new LogGapException(replica.Current.Revision);
                    }

                    _missed.Clear();
                    batch = Batch.Of(lost.Writes, replica.State, missingLeases);
                    return batch.Append.IsEmpty ? null : batch.Append;
                },
                CancellationToken.None);
            return (batch, result, true);
        }
        catch (LogGapException)
        {
            return (batch, null, false);
        }
        catch (Exception exception) when (DatabaseErrors.IsTransient(exception))
        {
            return (batch, batch.Append.IsEmpty ? null : await AppendAsync(batch), false);
        }
        catch
        {
            log.Abandon();
            throw;
        }
    }

    private async Task<bool> IsPresentAsync(ReplicaState evaluatedAt)
    {
        await tail.CatchUpAsync();
        return replica.State.Position == evaluatedAt.Position;
    }

    /// <summary>Answers the writes whose time is up. A batch for which no caller waits any more is given up.</summary>
    private void Expire(Batch batch)
    {
        List<PendingWrite> expired = [.. batch.Writes.Where(IsExpired)];
        bool isAbandoned = expired.Count == batch.Writes.Count;
        _queue.TakeExpired(IsExpired, expired);
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
