using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Reading;

/// <summary>This frontend's copy of the store: the present state and the recent past. Readers take <see cref="Current"/> and need no lock;
/// the committer and the tail move it forward, whichever is first.</summary>
/// <remarks>A revision enters once, and only after all lower ones.</remarks>
/// <param name="keys">The state loaded at start.</param>
/// <param name="authRevision">The auth revision at it.</param>
/// <param name="alarms">The alarms at it.</param>
public sealed class Replica(KeySpace keys, long authRevision, AlarmKinds alarms = AlarmKinds.None) : IHistory
{
    /// <summary>Guards moves forward. Second in the lock order (RunningFrontend): RecentEvents and PagedStates are changed
    /// under it.</summary>
    private readonly Lock _gate = new();
    private readonly PagedStates _paged = new();
    private volatile ReplicaState _state = new(keys, authRevision, alarms);
    private KvEvent? _last;

    /// <summary>Raised after each move forward, by the thread that moved it and outside of all locks, with the number of
    /// events that were new.</summary>
    public event Action<int>? Advanced;

    /// <summary>The events that led to the latest states.</summary>
    public RecentEvents Recent { get; } = new(keys.Revision);

    /// <summary>The latest state taken in.</summary>
    public KeySpace Current => _state.Keys;

    /// <summary>The latest state and the auth revision that goes with it.</summary>
    public ReplicaState State => _state;

    /// <summary>The state at exactly this revision, if it is the present one or was kept.</summary>
    public KeySpace? At(long revision)
    {
        KeySpace current = Current;
        return current.Revision == revision ? current : _paged.At(revision);
    }

    /// <summary>Keeps a state of which a client has read the first page: the client will come back for the others.</summary>
    public void Keep(KeySpace state) => _paged.Keep(state);

    /// <summary>The revision of the present state and its last change; null if nothing has changed since the state was loaded.</summary>
    public (long Revision, KvEvent? Last) End()
    {
        lock (_gate)
        {
            return (_state.Keys.Revision, _last);
        }
    }

    /// <inheritdoc/>
    public RangeResult? Range(RangeOperation operation, long headerRevision) =>
        At(operation.Revision)?.Range(operation, headerRevision);

    /// <summary>Takes in a batch that this frontend has committed, unless the tail was faster.</summary>
    /// <param name="committed">The fork that the batch was evaluated on, frozen.</param>
    /// <param name="events">The changes made on it.</param>
    public void Publish(KeySpace committed, IReadOnlyList<KvEvent> events)
    {
        lock (_gate)
        {
            ReplicaState state = _state;
            if (committed.Revision <= state.Keys.Revision)
            {
                return;
            }

            Advance(committed, events, state.Keys.CompactRevision, state.AuthRevision, state.Alarms);
        }

        Advanced?.Invoke(events.Count);
    }

    /// <summary>Takes in the rows of the log beyond the present state.</summary>
    /// <param name="rows">Rows in order, whole revisions, starting no later than the revision after the current one; rows that were taken
    /// in before are skipped.</param>
    /// <param name="position">The position of the log when the rows were read.</param>
    /// <returns>False if the log does not continue from the present state, which must then be loaded anew; nothing was taken in.</returns>
    public bool TakeIn(IReadOnlyList<LogRow> rows, LogPosition position)
    {
        int events;
        lock (_gate)
        {
            ReplicaState state = _state;
            Fork? fork = null;
            long last = state.Keys.Revision;
            foreach (LogRow row in rows)
            {
                if (row.Revision <= state.Keys.Revision)
                {
                    continue;
                }

                if (row.Revision > last + 1)
                {
                    return false;
                }

                last = row.Revision;
                fork ??= state.Keys.Fork();
                Apply(fork, row);
            }

            if (position.Revision > last)
            {
                return false; // the revision was moved up after a loss of history
            }

            if (fork is null
                && position.CompactRevision <= state.Keys.CompactRevision
                && position.AuthRevision <= state.AuthRevision
                && position.Alarms == state.Alarms)
            {
                return true;
            }

            events = fork?.Events.Count ?? 0;
            Advance(
                fork?.Freeze() ?? state.Keys,
                fork?.Events ?? [],
                Math.Max(position.CompactRevision, state.Keys.CompactRevision),
                Math.Max(position.AuthRevision, state.AuthRevision),
                position.Alarms);
        }

        Advanced?.Invoke(events);
        return true;
    }

    /// <summary>The state after the rows that follow it.</summary>
    public static KeySpace After(KeySpace keys, IReadOnlyList<LogRow> rows)
    {
        Fork fork = keys.Fork();
        foreach (LogRow row in rows)
        {
            Apply(fork, row);
        }

        return fork.Freeze();
    }

    /// <summary>Continues from a state that was loaded, because the log does not continue from the present one.</summary>
    /// <param name="keys">The state; ignored if the replica has reached its revision already.</param>
    /// <param name="authRevision">The auth revision at it.</param>
    /// <param name="alarms">The alarms at it.</param>
    public void Restart(KeySpace keys, long authRevision, AlarmKinds alarms)
    {
        lock (_gate)
        {
            if (keys.Revision <= _state.Keys.Revision)
            {
                return;
            }

            Recent.Restart(keys.Revision);
            _last = null;
            Advance(keys, [], _state.Keys.CompactRevision, Math.Max(authRevision, _state.AuthRevision), alarms);
        }

        Advanced?.Invoke(0);
    }

    private static void Apply(Fork fork, in LogRow row) =>
        fork.Apply(row.Revision, row.Sub, row.Key, row.Value, row.Value is null, row.CreateRevision, row.Version, row.Lease);

    private void Advance(
        KeySpace keys, IReadOnlyList<KvEvent> events, long compactRevision, long authRevision, AlarmKinds alarms)
    {
        if (compactRevision > keys.CompactRevision)
        {
            keys = keys.WithCompactRevision(compactRevision);
        }

        _paged.Forget(keys.Revision);
        // The events come first: a reader of the new state must find them.
        if (events.Count > 0)
        {
            Recent.Add(events);
            _last = events[^1];
        }

        _state = new ReplicaState(keys, authRevision, alarms);
    }
}

/// <summary>A state of the key space, with the auth revision and the alarms at the same position of the log.</summary>
/// <param name="Keys">The key space.</param>
/// <param name="AuthRevision">The auth revision.</param>
/// <param name="Alarms">The alarms that are raised.</param>
public sealed record ReplicaState(KeySpace Keys, long AuthRevision, AlarmKinds Alarms)
{
    /// <summary>The position of the log at this state.</summary>
    public LogPosition Position => new(Keys.Revision, Keys.CompactRevision, AuthRevision, Alarms);
}
