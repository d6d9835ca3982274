using System.Diagnostics;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Reading;

/// <summary>Keeps the replica up with the log, and is the barrier of linearizable reads (design §5): a caller that awaits
/// <see cref="CatchUpAsync"/> continues once the result of a tail query sent after the call has been taken in. All callers that arrive
/// while one query is under way share the next.</summary>
public sealed class Tail
{
    /// <summary>How long a notification waits for this frontend's append, which brings the same rows: a few appends long.</summary>
    private static readonly TimeSpan AppendPatience = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a notification waits for further ones while this frontend has no watchers: a read of the log costs as much for one
    /// row as for several.</summary>
    private static readonly TimeSpan Leisure = TimeSpan.FromMilliseconds(5);

    private readonly RevisionLog _log;
    private readonly Replica _replica;
    private readonly AuthStates _auth;
    private readonly Database _database;
    private readonly TimeSpan _timeLimit;
    private readonly TimeProvider _clock;
    private readonly List<LogRow> _rows = [];
    private readonly StateLoader _states;
    private readonly Rounds<Round, bool> _rounds;
    private Task _takenIn = Task.CompletedTask;
    private long _seen;
    private long _readAt;
    private long _cutAt;

    /// <param name="log">The log to follow.</param>
    /// <param name="replica">The replica to keep up to date.</param>
    /// <param name="auth">Users and roles, kept up to date too, and never behind the replica.</param>
    /// <param name="database">Where the log is.</param>
    /// <param name="timeLimit">Time limit of a round, from the arrival of its first caller.</param>
    /// <param name="clock">Measures that time.</param>
    public Tail(RevisionLog log, Replica replica, AuthStates auth, Database database, TimeSpan timeLimit, TimeProvider clock)
    {
        _log = log;
        _replica = replica;
        _auth = auth;
        _database = database;
        _timeLimit = timeLimit;
        _clock = clock;
        _states = new StateLoader(database);
        _readAt = clock.GetTimestamp();
        _rounds = new Rounds<Round, bool>(() => new Round(clock.GetTimestamp()), ReadAsync);
    }

    /// <summary>Whether a client watches here; null counts as yes.</summary>
    public Func<bool>? IsFollowed { get; set; }

    /// <summary>Called when the log turns out to end before a revision that was read from it, once per such revision.</summary>
    public Action<LogCutException>? IsCut { get; set; }

    /// <summary>The last revision that this frontend has heard of.</summary>
    public long Seen => Volatile.Read(ref _seen);

    /// <summary>Revisions that this frontend has heard of and not yet taken in.</summary>
    public long Behind => Math.Max(0, Seen - _replica.Current.Revision);

    /// <summary>How long after a read of the log this frontend trusts the replica's state, and that auth is off.</summary>
    public static readonly TimeSpan TrustLimit = TimeSpan.FromSeconds(5);

    /// <summary>Whether the log was read recently; normally that happens twice a second. If not, the state here may be outdated, and the
    /// database must be asked.</summary>
    public bool IsFresh => _clock.GetElapsedTime(Volatile.Read(ref _readAt)) < TrustLimit;

    /// <summary>Waits until the replica holds everything that was committed when this was called.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer within the time limit.</exception>
    public Task CatchUpAsync() => Spans.Caller is { } caller ? JoinAsync(caller) : _rounds.JoinAsync();

    private Task<bool> JoinAsync(Activity caller) => _rounds.JoinAsync(round => (round.Callers ??= []).Add(caller));

    /// <summary>Takes in what was committed, unless the announced revision has been taken in already.</summary>
    /// <param name="announced">A head that a notification named, or null.</param>
    public async Task WakeAsync(long? announced)
    {
        if (announced is { } head && head <= _replica.Current.Revision)
        {
            return;
        }

        bool isWrite = announced is not null and not long.MaxValue;
        long started = _clock.GetTimestamp();
        if (isWrite)
        {
            See(announced!.Value);
            if (Volatile.Read(ref _takenIn) is { IsCompleted: false } takenIn)
            {
                await Task.WhenAny(takenIn, Task.Delay(AppendPatience, _clock));
            }

            if (IsFollowed?.Invoke() == false)
            {
                await Task.Delay(Leisure, _clock);
            }

            if (announced <= _replica.Current.Revision)
            {
                ReadMetrics.ApplyLagSeconds.Record(_clock.GetElapsedTime(started).TotalSeconds);
                return;
            }
        }

        try
        {
            await CatchUpAsync();
            if (isWrite)
            {
                ReadMetrics.ApplyLagSeconds.Record(_clock.GetElapsedTime(started).TotalSeconds);
            }
        }
        catch (StoreUnavailableException)
        {
            // The next wake-up tries again.
        }
    }

    /// <summary>Notes that PostgreSQL has compared the log with the state here, which every append does and which is as good as a read. A
    /// frontend that writes continuously is continuously notified of its own rows, so its listener never polls.</summary>
    /// <param name="since">When the statement was sent (<see cref="TimeProvider.GetTimestamp"/>).</param>
    internal void Confirm(long since) => Volatile.Write(ref _readAt, Math.Max(since, Volatile.Read(ref _readAt)));

    /// <summary>Reports a log that ends too early, once for each revision that was read from it.</summary>
    internal void Report(LogCutException cut)
    {
        if (Interlocked.Exchange(ref _cutAt, cut.Applied) != cut.Applied)
        {
            IsCut?.Invoke(cut);
        }
    }

    /// <summary>Announces an append that takes in the rows of others first, so that no separate read is needed.</summary>
    /// <returns>To be completed once the append has taken them in, or will not.</returns>
    internal TaskCompletionSource RowsComeByAppend()
    {
        TaskCompletionSource takenIn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _takenIn, takenIn.Task);
        return takenIn;
    }

    /// <summary>Reads within the rest of the round's time: on a network that has gone silent, a read does not fail by itself.</summary>
    private async Task<bool> ReadAsync(Round round)
    {
        TimeSpan left = _timeLimit - _clock.GetElapsedTime(round.Started);
        if (left <= TimeSpan.Zero)
        {
            ReadMetrics.FailedBarriers.Add(1);
            throw new StoreUnavailableException();
        }

        using Activity? span = Spans.StartShared("read barrier", round.Callers ?? []);
        long started = _clock.GetTimestamp();
        using CancellationTokenSource limit = new(left, _clock);
        try
        {
            try
            {
                await ReadOnceAsync(limit.Token);
            }
            catch (Exception exception) when (DatabaseErrors.IsTransient(exception) && !limit.IsCancellationRequested)
            {
                ReadMetrics.SlowBarriers.Add(1);
                DatabaseMetrics.Failed(exception);
                await _database.Retry.ExecuteAsync(async token => await ReadOnceAsync(token), limit.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException || DatabaseErrors.IsTransient(exception))
        {
            ReadMetrics.FailedBarriers.Add(1);
            throw new StoreUnavailableException(exception);
        }

        Volatile.Write(ref _readAt, started);
        ReadMetrics.BarrierSeconds.Record(_clock.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    private async ValueTask ReadOnceAsync(CancellationToken cancellationToken)
    {
        _rows.Clear();
        long applied = _replica.Current.Revision;
        // If rows have been announced, there is no need to ask whether there are any.
        LogPosition? position = Seen > applied ? null : await _log.PositionAsync(cancellationToken);
        if (position?.Revision < applied)
        {
            Report(new LogCutException(position.Value.Revision, applied)); // reads may go on from the state that was read
        }

        applied = _replica.Current.Revision;
        See(position?.Revision ?? 0);
        if (position is null || position.Value.Revision > applied)
        {
            try
            {
                position = await _log.TailAsync(applied, _rows.Add, cancellationToken);
                ReadMetrics.TailedRows.Add(_rows.Count);
            }
            catch (LogGapException)
            {
                // This frontend was away for so long that compaction has removed rows that it had not read (kine#220).
                await LoadAsync(cancellationToken);
                return;
            }
        }

        await _auth.EnsureAsync(position.Value.AuthRevision, cancellationToken);
        if (!_replica.TakeIn(_rows, position.Value))
        {
            await LoadAsync(cancellationToken);
        }
    }

    /// <summary>The listener and a round may call this at the same time; a lost update does no harm.</summary>
    private void See(long revision) => Volatile.Write(ref _seen, Math.Max(Volatile.Read(ref _seen), revision));

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        (LogPosition position, KeySpace keys) = await _states.LoadAsync(null, cancellationToken);
        await _auth.EnsureAsync(position.AuthRevision, cancellationToken);
        _replica.Restart(keys, position.AuthRevision, position.Alarms);
        ReadMetrics.Loads.Add(1);
    }

    /// <summary>One tail query.</summary>
    /// <param name="Started">The arrival of its first caller.</param>
    private sealed record Round(long Started)
    {
        /// <summary>The spans of its callers, if traces are collected.</summary>
        public List<Activity>? Callers { get; set; }
    }
}
