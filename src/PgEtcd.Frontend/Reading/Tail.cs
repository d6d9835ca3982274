using System.Diagnostics;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Reading;

/// <summary>Keeps the replica up with the log, and is the barrier of linearizable reads (design §5): a caller that awaits
/// <see cref="CatchUpAsync"/> continues when a tail query that was sent after the call has been taken in. All that wait
/// while one query is under way share the next.</summary>
public sealed class Tail
{
    /// <summary>How long a notification waits for an append that brings the same rows: some appends of others.</summary>
    private static readonly TimeSpan AppendPatience = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a notification waits for more while no watcher waits for it: a read of the log costs as much for one row
    /// as for several.</summary>
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

    /// <param name="log">What to read.</param>
    /// <param name="replica">What to keep up.</param>
    /// <param name="auth">What to keep up with it: never behind the replica.</param>
    /// <param name="database">Where the log is.</param>
    /// <param name="timeLimit">How long a round may take, from when the first of its members came.</param>
    /// <param name="clock">Measures it.</param>
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

    /// <summary>Called once when the log turns out to end before what was read from it.</summary>
    public Action<LogCutException>? IsCut { get; set; }

    /// <summary>The last revision that this frontend has heard of.</summary>
    public long Seen => Volatile.Read(ref _seen);

    /// <summary>Revisions that this frontend has heard of and not yet taken in.</summary>
    public long Behind => Math.Max(0, Seen - _replica.Current.Revision);

    /// <summary>For how long after the log was read its state here is trusted: that auth is off, and what is in the replica.</summary>
    public static readonly TimeSpan TrustLimit = TimeSpan.FromSeconds(5);

    /// <summary>Whether the log was read lately, as it is twice a second. If not, what this frontend knows may have changed without
    /// its notice, and the database must be asked.</summary>
    public bool IsFresh => _clock.GetElapsedTime(Volatile.Read(ref _readAt)) < TrustLimit;

    /// <summary>Waits until the replica holds everything that was committed when this was called.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer within the time limit.</exception>
    public Task CatchUpAsync() => Spans.Caller is { } caller ? JoinAsync(caller) : _rounds.JoinAsync();

    private Task<bool> JoinAsync(Activity caller) => _rounds.JoinAsync(round => (round.Callers ??= []).Add(caller));

    /// <summary>Takes in what was committed, unless the announced revision is in already.</summary>
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
            await WaitForAppendAsync();
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

    /// <summary>Notes that PostgreSQL has compared the log with the state here, as it does before it appends: as good as a reading. A
    /// frontend that writes all the time is notified all the time, of its own rows, and its listener never comes to poll.</summary>
    /// <param name="since">When the statement was sent (<see cref="TimeProvider.GetTimestamp"/>).</param>
    internal void Confirm(long since) => Volatile.Write(ref _readAt, Math.Max(since, Volatile.Read(ref _readAt)));

    /// <summary>Tells that the log was found cut, once for each revision that it was cut at.</summary>
    internal void Report(LogCutException cut)
    {
        if (Interlocked.Exchange(ref _cutAt, cut.Applied) != cut.Applied)
        {
            IsCut?.Invoke(cut);
        }
    }

    /// <summary>Says that an append is under way that takes in what others have written first, so no other reading is needed.</summary>
    /// <returns>To be ended when it has, or will not.</returns>
    internal TaskCompletionSource RowsComeByAppend()
    {
        TaskCompletionSource takenIn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _takenIn, takenIn.Task);
        return takenIn;
    }

    private async ValueTask WaitForAppendAsync()
    {
        if (Volatile.Read(ref _takenIn) is { IsCompleted: false } takenIn)
        {
            await Task.WhenAny(takenIn, Task.Delay(AppendPatience, _clock));
        }
    }

    /// <summary>Reads within what is left of the round's time. On a network that has gone silent a read does not fail by
    /// itself.</summary>
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
        // When rows have been announced, there is no need to ask whether there are any.
        LogPosition? position = Seen > applied ? null : await _log.PositionAsync(cancellationToken);
        if (position?.Revision < applied)
        {
            Report(new LogCutException(position.Value.Revision, applied)); // what was read is still good to be read
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
                // We were away for so long that compaction has removed what we had not read (kine#220).
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

    /// <summary>The listener and a round may hear at the same time; that one is overwritten does no harm.</summary>
    private void See(long revision) => Volatile.Write(ref _seen, Math.Max(Volatile.Read(ref _seen), revision));

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        (LogPosition position, KeySpace keys) = await _states.LoadAsync(null, cancellationToken);
        await _auth.EnsureAsync(position.AuthRevision, cancellationToken);
        _replica.Restart(keys, position.AuthRevision, position.Alarms);
        ReadMetrics.Loads.Add(1);
    }

    /// <summary>One tail query.</summary>
    /// <param name="Started">When the first of its callers came.</param>
    private sealed record Round(long Started)
    {
        /// <summary>The spans of its callers, when traces are wanted.</summary>
        public List<Activity>? Callers { get; set; }
    }
}
