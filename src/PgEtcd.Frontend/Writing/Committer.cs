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
public sealed class Committer : IDisposable
{
    /// <summary>So many lost appends in a row, and the next one takes the lock before it evaluates.</summary>
    private const int MaxLosses = 3;

    /// <summary>How late a write may learn that its time is up: an append that waits for the lock does not tell.</summary>
    private static readonly TimeSpan ExpiryPeriod = TimeSpan.FromMilliseconds(250);

    private readonly List<LogRow> _missed = [];
    private readonly RevisionLog _log;
    private readonly Replica _replica;
    private readonly Tail _tail;
    private readonly AuthStates _auth;
    private readonly Database _database;
    private readonly TimeSpan _timeLimit;
    private readonly TimeProvider _clock;
    private readonly WriteQueue _queue;
    private readonly ITimer _expiry;
    private volatile Batch? _underWay;

    /// <param name="log">Where to append.</param>
    /// <param name="replica">What is moved forward.</param>
    /// <param name="tail">Catches up after a conflict.</param>
    /// <param name="auth">Must know the auth revision of each batch.</param>
    /// <param name="database">Repeats appends when the connection breaks.</param>
    /// <param name="timeLimit">How long a write may take.</param>
    /// <param name="clock">Measures it.</param>
    public Committer(
        RevisionLog log, Replica replica, Tail tail, AuthStates auth, Database database, TimeSpan timeLimit, TimeProvider clock)
    {
        _log = log;
        _replica = replica;
        _tail = tail;
        _auth = auth;
        _database = database;
        _timeLimit = timeLimit;
        _clock = clock;
        _queue = new WriteQueue(replica);
        _expiry = clock.CreateTimer(static committer => ((Committer)committer!).ExpireUnderWay(), this, ExpiryPeriod, ExpiryPeriod);
    }

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
        PendingWrite write = new(operation, size, history, origin, _clock.GetTimestamp());
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

    /// <inheritdoc/>
    public void Dispose() => _expiry.Dispose();

    private void Start() => _ = RunAsync(_queue.Take()!);

    private async Task RunAsync(Batch first)
    {
        for (Batch? batch = first; batch is not null;)
        {
            Exception? error = null;
            IReadOnlyList<PendingWrite> done = batch.Writes;
            long started = _clock.GetTimestamp();
            _underWay = batch;
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

            _underWay = null;
            Timer?.End(done, _clock.GetElapsedTime(started));
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
        long started = _clock.GetTimestamp();
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
                    WriteMetrics.Committed(batch, _clock.GetElapsedTime(started));
                    return; // nothing to write, and what was read is what is committed
                case null:
                    losses++;
                    break;
                case { Outcome: AppendOutcome.Appended }:
                    _replica.Publish(batch.Committed, batch.Events);
                    WriteMetrics.Committed(batch, _clock.GetElapsedTime(started));
                    return;
                case { Outcome: AppendOutcome.LeaseMissing }:
                    missingLeases.UnionWith(result.Value.MissingLeases);
                    break;
                case { Outcome: AppendOutcome.Conflict }:
                    if (!_auth.Has(result.Value.Position.AuthRevision) || !_replica.TakeIn(_missed, result.Value.Position))
                    {
                        await _tail.CatchUpAsync();
                    }

                    WriteMetrics.Conflicts.Add(1);
                    losses++;
                    break;
            }

            _queue.Close();
            batch = Batch.Of(batch.Writes, _replica.State, missingLeases);
        }
    }

    /// <summary>Appends, however often the connection breaks: the same batch is appended once (design §2.6).</summary>
    private async Task<AppendResult?> AppendAsync(Batch batch)
    {
        _queue.Open(batch);
        try
        {
            return await _database.Retry.ExecuteAsync(
                async token =>
                {
                    Expire(batch);
                    _missed.Clear();
                    return (AppendResult?)await _log.AppendAsync(batch.Append, _missed.Add, token);
                },
                CancellationToken.None);
        }
        catch (LogGapException)
        {
            return null; // lost, and only the _tail can tell to what
        }
        catch
        {
            _log.Abandon();
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
            AppendResult? result = await _log.AppendLockedAsync(
                _replica.Current.Revision,
                _missed.Add,
                position =>
                {
                    if (!_auth.Has(position.AuthRevision) || !_replica.TakeIn(_missed, position))
                    {
                        throw new LogGapException(_replica.Current.Revision);
                    }

                    _missed.Clear();
                    batch = Batch.Of(lost.Writes, _replica.State, missingLeases);
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
            _log.Abandon();
            throw;
        }
    }

    private async Task<bool> IsPresentAsync(ReplicaState evaluatedAt)
    {
        await _tail.CatchUpAsync();
        return _replica.State.Position == evaluatedAt.Position;
    }

    /// <summary>Gives up a batch for which no caller waits any more.</summary>
    private void Expire(Batch batch)
    {
        if (AnswerExpired(batch) == batch.Writes.Count)
        {
            throw new StoreUnavailableException();
        }
    }

    /// <summary>On a timer's thread: nothing may be thrown.</summary>
    private void ExpireUnderWay()
    {
        try
        {
            if (_underWay is { } batch)
            {
                AnswerExpired(batch);
            }
        }
        catch (Exception)
        {
            // The next tick tries again, and so does the next append.
        }
    }

    /// <summary>Answers the writes whose time is up.</summary>
    /// <returns>How many of them are in the batch.</returns>
    private int AnswerExpired(Batch batch)
    {
        List<PendingWrite> expired = [.. batch.Writes.Where(IsExpired)];
        int inBatch = expired.Count;
        _queue.TakeExpired(IsExpired, expired);
        if (expired.Count > 0)
        {
            Answers.Give(expired, static write => write.TrySetException(new StoreUnavailableException()), atOnce: false);
        }

        return inBatch;
    }

    private bool IsExpired(PendingWrite write) => _clock.GetElapsedTime(write.Enqueued) > _timeLimit;
}
