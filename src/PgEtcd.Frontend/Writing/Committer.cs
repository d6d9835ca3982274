using System.Diagnostics;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Writing;

/// <summary>Makes writes durable (design §4): evaluates them on a fork, sends one conditional append for all gathered writes, and answers
/// them after the commit has returned.</summary>
/// <remarks>One append is under way at a time. Writes that arrive meanwhile are evaluated at once, on their callers' threads, on the state
/// that the append will leave; the next append sends them together. Rows of other frontends in between invalidate that evaluation, so while
/// others write, the queue does not evaluate ahead. Such rows cause a conflict only if the batch has read or written their keys
/// (docs/decisions/0020). A batch that has lost twice takes the append lock first: it waits its turn, includes all writes gathered
/// meanwhile, and cannot lose.</remarks>
public sealed class Committer(
    RevisionLog log, Replica replica, Tail tail, AuthStates auth, Database database, TimeSpan timeLimit, TimeProvider clock)
    : IDisposable
{
    /// <summary>Conflicts after which a batch takes the append lock before its next evaluation.</summary>
    private const int LossesBeforeLock = 2;

    /// <summary>Evaluations under the lock from then on: contention for the same few keys usually continues.</summary>
    private const int LockedAfterLoss = 16;

    /// <summary>Appends without evaluating ahead, after one that has found rows of others.</summary>
    private const int CrowdedAppends = 16;

    /// <summary>Longest delay in answering an expired write. A timer checks, because an append that waits for the lock cannot.</summary>
    private static readonly TimeSpan ExpiryPeriod = TimeSpan.FromMilliseconds(250);

    /// <summary>Npgsql prepares a statement at its second use, so the third append runs like all later ones.</summary>
    private const int RehearsedAppends = 3;

    private readonly List<LogRow> _missed = [];
    private ITimer? _expiry;
    private readonly WriteQueue _queue = new(replica);
    private readonly Gathering _gathering = new(clock);
    private readonly Deadlines _deadlines = new(timeLimit, clock);
    private Batch? _underWay;
    private int _lockedLeft;
    private int _crowdedLeft;
    private bool _isRepeated;

    /// <summary>Writes that have not been answered.</summary>
    public int Pending => _queue.Count;

    /// <summary>Times each batch; null: none is timed.</summary>
    public CommitTimer? Timer { get; init; }

    /// <summary>Called when PostgreSQL's disk has no room for a batch, before its writes are answered.</summary>
    public Action? DiskIsFull { get; init; }

    /// <summary>Commits a write.</summary>
    /// <param name="operation">Put, DeleteRange, Txn or RevokeLease, checked (<see cref="RequestCheck"/>).</param>
    /// <param name="size">Its size on the wire, bytes.</param>
    /// <param name="history">The source of the older revisions that a Txn reads.</param>
    /// <param name="origin">The origin of the request.</param>
    /// <exception cref="StoreUnavailableException">The database was unavailable for too long; the outcome is unknown.</exception>
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
        }

        return write.Task;
    }

    /// <summary>Runs the code path of a single put, up to an append that PostgreSQL refuses because the log is shorter.</summary>
    public async Task RehearseAsync(CancellationToken cancellationToken)
    {
        KeySpace beyond = KeySpace.Load(long.MaxValue / 2, -1, KeySpace.Empty.Keys);
        ReplicaState nowhere = new(beyond, replica.State.AuthRevision, AlarmKinds.None);
        PutOperation put = new() { Key = new byte[1], Value = new byte[1] };
        for (int i = 0; i < RehearsedAppends; i++)
        {
            Batch batch = Batch.Of([new PendingWrite(put, 0, replica, Origin.Server, clock.GetTimestamp())], nowhere, []);
            try
            {
                await database.Retry.ExecuteAsync(
                    async token => await log.AppendAsync(batch.Append, static _ => { }, token), cancellationToken);
            }
            catch (LogCutException)
            {
                // Expected: the log is shorter.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _expiry?.Dispose();

    private void Start()
    {
        _expiry ??= clock.CreateTimer(static committer => ((Committer)committer!).ExpireUnderWay(), this, ExpiryPeriod, ExpiryPeriod);
        _ = RunAsync(_queue.Take()!);
    }

    private async Task RunAsync(Batch first)
    {
        for (Batch? batch = first; batch is not null;)
        {
            Exception? error = null;
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
                    WriteMetrics.FailedWrites.Add(_underWay!.Writes.Count);
                    if (DatabaseErrors.IsOutOfSpace(exception))
                    {
                        DiskIsFull?.Invoke();
                    }
                    else if (exception is LogCutException cut)
                    {
                        tail.Report(cut);
                    }

                    span?.SetStatus(ActivityStatusCode.Error);
                }
            }

            IReadOnlyList<PendingWrite> done = _underWay!.Writes;
            _underWay = null; // or the timer would answer its writes again and again
            Timer?.End(done, clock.GetElapsedTime(started));
            // The next batch is taken, or the loop given up, before the answers: their continuations must not delay the next batch.
            Task? gathered = _crowdedLeft > 0 && _gathering.Pays(done.Count) ? _queue.GatherAsync(done.Count) : null;
            batch = gathered is null ? _queue.Take() : null;
            bool isLast = batch is null && gathered is null;
            if (error is null)
            {
                Answers.Give(done, static write => write.Complete(), atOnce: isLast);
            }
            else
            {
                Answers.Give(done, write => write.TrySetException(error), atOnce: isLast);
            }

            if (gathered is not null)
            {
                await _gathering.WaitAsync(gathered);
                batch = _queue.Take();
            }
        }
    }

    private async Task CommitAsync(Batch batch)
    {
        long started = clock.GetTimestamp();
        HashSet<long> missingLeases = [];
        int losses = 0;
        _isRepeated = false;
        while (true)
        {
            _underWay = batch;
            AppendResult? result;
            bool isPresent = false;
            if (_lockedLeft == 0)
            {
                result = batch.Append.IsEmpty ? null : await AppendAsync(batch);
            }
            else
            {
                WriteMetrics.Locked.Add(1);
                (result, isPresent) = await AppendLockedAsync(batch, missingLeases);
            }

            batch = _underWay;
            switch (result)
            {
                case null when isPresent || await IsPresentAsync(batch.State):
                    if (_isRepeated)
                    {
                        log.Abandon(); // an earlier attempt, whose connection broke, may still wait in PostgreSQL
                    }

                    WriteMetrics.Committed(batch, clock.GetElapsedTime(started));
                    return; // nothing to write, and the state that was read is the committed one
                case { Outcome: AppendOutcome.Appended }:
                    replica.Publish(batch.Committed, batch.Events);
                    tail.Confirm(started);
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
                    break;
            }

            if (result?.Outcome != AppendOutcome.LeaseMissing && ++losses == LossesBeforeLock)
            {
                _lockedLeft = LockedAfterLoss;
            }

            _queue.Close();
            if (_lockedLeft == 0)
            {
                batch = Batch.Of(batch.Writes, replica.State, missingLeases);
            }
        }
    }

    /// <summary>Appends a batch once, however often the connection breaks (design §2.6).</summary>
    private async Task<AppendResult?> AppendAsync(Batch batch)
    {
        int attempts = 0;
        TaskCompletionSource? takenIn = null;
        if (_crowdedLeft == 0)
        {
            _queue.Open(batch);
        }
        else
        {
            _crowdedLeft--;
            takenIn = tail.RowsComeByAppend();
        }

        try
        {
            AppendResult result = await database.Retry.ExecuteAsync(
                async token =>
                {
                    if (_deadlines.Answer(batch, _queue))
                    {
                        throw new StoreUnavailableException();
                    }

                    _isRepeated |= attempts++ > 0;
                    _missed.Clear();
                    return await log.AppendAsync(batch.Append, _missed.Add, token);
                },
                CancellationToken.None);
            if (_missed.Count > 0)
            {
                _crowdedLeft = CrowdedAppends;
                if (result.Outcome == AppendOutcome.Appended)
                {
                    _queue.Close();
                    _underWay = Behind(batch, result.Position.Revision);
                }
            }

            return result;
        }
        catch (LogGapException)
        {
            return null; // a conflict with rows that are gone: the tail must load the state
        }
        catch
        {
            log.Abandon();
            throw;
        }
        finally
        {
            takenIn?.TrySetResult();
        }
    }

    /// <summary>The batch as it was appended: behind rows of others, which are taken in first. It reads none of them, so only the revisions
    /// in its answers change.</summary>
    private Batch Behind(Batch batch, long end)
    {
        // The position at which the batch was appended. Its marks are those expected; the tail brings later ones, since a newer compaction
        // mark would change the evaluation here.
        LogPosition start = batch.Append.Expected with { Revision = end - batch.Append.Revisions };
        replica.TakeIn(_missed, start);
        KeySpace keys = replica.Current;
        if (keys.Revision != start.Revision)
        {
            keys = Replica.After(batch.State.Keys, _missed); // the tail was faster
        }

        Batch behind = batch.On(keys);
        if (!behind.Append.IsSameAs(batch.Append))
        {
            throw new StoreUnavailableException(
                new InvalidOperationException("A batch was appended behind rows that change its evaluation."));
        }

        WriteMetrics.Moved.Add(1);
        return behind;
    }

    /// <summary>Evaluates a batch under the append lock, so that it cannot lose (design §4), together with the writes gathered while it
    /// waited for the lock.</summary>
    private async Task<(AppendResult? Result, bool IsPresent)> AppendLockedAsync(Batch waiting, HashSet<long> missingLeases)
    {
        TaskCompletionSource takenIn = tail.RowsComeByAppend();
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

                    takenIn.SetResult();
                    _lockedLeft--;
                    _missed.Clear();
                    _underWay = Batch.Of(waiting.Writes, replica.State, missingLeases);
                    _queue.Join(_underWay);
                    return _underWay.Append.IsEmpty ? null : _underWay.Append;
                },
                CancellationToken.None);
            return (result, true);
        }
        catch (LogGapException)
        {
            return (null, false);
        }
        catch (Exception exception) when (DatabaseErrors.IsTransient(exception))
        {
            return (_underWay!.Append.IsEmpty ? null : await AppendAsync(_underWay), false);
        }
        catch
        {
            log.Abandon();
            throw;
        }
        finally
        {
            takenIn.TrySetResult();
        }
    }

    private async Task<bool> IsPresentAsync(ReplicaState evaluatedAt)
    {
        await tail.CatchUpAsync();
        return replica.State.Position == evaluatedAt.Position;
    }

    /// <summary>Runs on a timer's thread, so it must neither throw nor block: later ticks would occupy further threads.</summary>
    private void ExpireUnderWay()
    {
        try
        {
            if (_underWay is { } batch)
            {
                _deadlines.Answer(batch, _queue);
            }
        }
        catch (Exception)
        {
            // Writes are being added to the batch at this moment. The next tick tries again, and so does the next append.
        }
    }
}
