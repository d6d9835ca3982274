using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Members;

namespace PgEtcd.Frontend.Members;

/// <summary>Registers this frontend among the others, keeps it registered with heartbeats, which also compete for the leadership, and lists
/// the live frontends (design §7, §10).</summary>
/// <param name="database">The database of the cluster.</param>
/// <param name="leader">Gets the leadership when a heartbeat wins it.</param>
/// <param name="run">Distinguishes this process from all others.</param>
/// <param name="identities">The identities to register, the preferred one first. An id that another live process holds is left to that
/// process (docs/decisions/0006).</param>
/// <param name="revision">Gives the revision of the state here.</param>
/// <param name="clock">This process's clock.</param>
/// <param name="logger">Logs failed heartbeats.</param>
public sealed class Membership(
    Database database, Leader leader, string run, IReadOnlyList<Member> identities, Func<long> revision, TimeProvider clock,
    ILogger<Membership> logger) : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    /// <summary>Time limit of leaving. If it fails, the other frontends notice the absence within seconds.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(1);

    private readonly MemberTable _table = new(database);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _beating = new(1);
    private Task _heartbeat = Task.CompletedTask;
    private volatile int _identity;
    private volatile IReadOnlyList<Member> _current = [];
    private long _lastLeader;
    private long _lastBeat;

    /// <summary>The identity under which this frontend is registered.</summary>
    public Member Self => identities[_identity];

    /// <summary>The name of this run, which the leader's jobs pass to the database as proof of the leadership.</summary>
    public string Run => run;

    /// <summary>The frontends that were alive at the last heartbeat (each half second) or listing, in the order of their ids.</summary>
    public IReadOnlyList<Member> Current => _current;

    /// <summary>The frontend that led at that time.</summary>
    public Member? CurrentLeader => _current.FirstOrDefault(member => member.IsLeader);

    /// <summary>Whether the database has answered a heartbeat of the last two seconds.</summary>
    public bool HearsDatabase => clock.GetElapsedTime(Volatile.Read(ref _lastBeat)) < MemberTable.LeadershipLimit;

    /// <summary>Whether some frontend leads, according to a heartbeat of the last two seconds.</summary>
    public bool HasLeader => HearsDatabase && CurrentLeader is not null;

    /// <summary>Registers the frontend and begins to compete.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task JoinAsync(CancellationToken cancellationToken)
    {
        DateTime? seen = null;
        while (await database.Retry.ExecuteAsync(async token => await BeatAsync(token), cancellationToken) is { Joined: false } beat)
        {
            // The id may be held by a process that was killed a moment ago; only a live one beats again.
            if (seen is not null && seen != beat.HeldAt)
            {
                YieldId();
                seen = null;
                continue;
            }

            seen = beat.HeldAt;
            await Task.Delay(TimeSpan.FromMilliseconds(100), clock, cancellationToken);
        }

        _heartbeat = new BackgroundLoop("the heartbeat", clock, logger).RunAsync(Tick, KeepUpAsync, _stopping.Token);
    }

    /// <summary>The frontends that are alive now, in the order of their ids.</summary>
    /// <param name="timeLimit">How long to wait for the database.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<IReadOnlyList<Member>> ListAsync(TimeSpan timeLimit) =>
        _current = InOrder(await database.InTimeAsync(timeLimit, _table.ListAsync));

    /// <summary>Removes a frontend that is no longer alive from the list.</summary>
    /// <param name="id">Its member id.</param>
    /// <param name="timeLimit">How long to wait for the database.</param>
    /// <returns>Whether it was on the list, and whether it was removed: a live one is not.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<(bool IsKnown, bool IsRemoved)> RemoveDeadAsync(long id, TimeSpan timeLimit) =>
        database.InTimeAsync(timeLimit, cancel => _table.RemoveDeadAsync(id, cancel));

    /// <summary>Stops the heartbeats, removes the frontend from the list and leaves the leadership to the others at once. The jobs must
    /// have stopped: another frontend may start them now.</summary>
    public async Task LeaveAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        leader.Resign();
        await _heartbeat.WaitAsync(LeaveLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            using CancellationTokenSource limit = new(LeaveLimit);
            await _table.LeaveAsync(Run, limit.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || DatabaseErrors.IsTransient(exception))
        {
            // The others will notice the absence within seconds.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        _stopping.Dispose();
        _beating.Dispose();
    }

    /// <summary>Runs an action while no heartbeat is under way, because the answer to one could make this frontend lead again.</summary>
    internal Task<T> BetweenBeatsAsync<T>(Func<Task<T>> action) => _beating.InTurnAsync(action);

    private static List<Member> InOrder(IEnumerable<Member> members) => [.. members.OrderBy(member => (ulong)member.Id)];

    private async Task KeepUpAsync(CancellationToken stopping)
    {
        try
        {
            if (!(await BeatAsync(stopping)).Joined)
            {
                YieldId(); // this frontend was away so long that another process has taken the id
            }
        }
        catch when (!stopping.IsCancellationRequested)
        {
            JobMetrics.FailedBeats.Add(1);
            JobMetrics.FailedSends.Add(1);
            database.ForgetConnections();
            throw;
        }
        finally
        {
            leader.Announce();
        }
    }

    private Task<Beat> BeatAsync(CancellationToken cancellationToken) =>
        _beating.InTurnAsync(() => BeatInTurnAsync(cancellationToken), cancellationToken);

    private async Task<Beat> BeatInTurnAsync(CancellationToken cancellationToken)
    {
        long sent = clock.GetTimestamp();
        Beat beat = await _table.BeatAsync(Self, Run, revision(), cancellationToken);
        _current = InOrder(beat.Alive);
        if (beat.Leads)
        {
            leader.Win(sent);
        }
        else
        {
            leader.Lose();
        }

        JobMetrics.BeatSeconds.Record(clock.GetElapsedTime(sent).TotalSeconds);
        Volatile.Write(ref _lastBeat, sent);
        if (CurrentLeader is { } leading && leading.Id != _lastLeader)
        {
            _lastLeader = leading.Id;
            JobMetrics.LeaderChanges.Add(1);
        }

        return beat;
    }

    /// <summary>Switches to the next identity. The last one is derived from the run, so no other process has it.</summary>
    private void YieldId()
    {
        long taken = Self.Id;
        _identity = Math.Min(_identity + 1, identities.Count - 1);
        Log.IdTaken(logger, (ulong)taken, (ulong)Self.Id);
    }
}
