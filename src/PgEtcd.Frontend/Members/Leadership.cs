using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Members;

namespace PgEtcd.Frontend.Members;

/// <summary>This frontend among the others: registers it, keeps it registered, and competes for the leadership, which
/// one frontend holds so that each job runs once (design §7, §10).</summary>
public sealed class Leadership : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a farewell may take: a database that is away will notice by itself.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(1);

    private readonly MemberTable _table;
    private readonly Database _database;
    private readonly string _run;
    private readonly IReadOnlyList<Member> _identities;
    private readonly TimeProvider _clock;
    private readonly ILogger<Leadership> _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _beating = new(1);
    private readonly List<Task> _loops = [];
    private volatile int _identity;
    private volatile IReadOnlyList<Member> _current = [];
    private volatile CancellationTokenSource _term = new();
    private long _leadsUntil;
    private bool _led;
    private long _lastLeader;
    private long _lastBeat;

    private Leadership(
        MemberTable table, Database database, string run, IReadOnlyList<Member> identities, TimeProvider clock, ILogger<Leadership> logger)
    {
        _table = table;
        _database = database;
        _run = run;
        _identities = identities;
        _clock = clock;
        _logger = logger;
        _leadsUntil = clock.GetTimestamp();
        _term.Cancel();
    }

    /// <summary>What this frontend is registered as.</summary>
    public Member Self => _identities[_identity];

    /// <summary>The run that jobs name when they ask the database for what only the leader gets.</summary>
    public string Run => _run;

    /// <summary>The frontends that were alive at the last beat, half a second ago, in the order of their ids.</summary>
    public IReadOnlyList<Member> Current => _current;

    /// <summary>Whether this frontend may do now what only one may. Judged by our own clock, which goes on while the
    /// process is stopped: a frontend that wakes up after its leadership has ended knows it.</summary>
    public bool IsLeader => _clock.GetTimestamp() < Volatile.Read(ref _leadsUntil);

    /// <summary>Whether the database has answered our heartbeat lately.</summary>
    public bool HearsDatabase => _clock.GetElapsedTime(Volatile.Read(ref _lastBeat)) < MemberTable.LeadershipLimit;

    /// <summary>Whether some frontend leads, as far as was heard lately.</summary>
    public bool HasLeader => HearsDatabase && _current.Any(member => member.IsLeader);

    /// <summary>Registers the frontend and begins to compete.</summary>
    /// <param name="database">Where all meet.</param>
    /// <param name="run">What tells this process from all others.</param>
    /// <param name="identities">What it may be registered as, the one wanted first. An id that another process holds
    /// and keeps up is left to it (docs/decisions/0006).</param>
    /// <param name="clock">Ours.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<Leadership> JoinAsync(
        Database database,
        string run,
        IReadOnlyList<Member> identities,
        TimeProvider clock,
        ILogger<Leadership> logger,
        CancellationToken cancellationToken)
    {
        Leadership leadership = new(new MemberTable(database), database, run, identities, clock, logger);
        DateTime? seen = null;
        while (true)
        {
            Beat beat = await database.Retry.ExecuteAsync(
                async token => await leadership.BeatAsync(token), cancellationToken);
            if (beat.Joined)
            {
                break;
            }

            // The process of before us may have been killed a moment ago; only who goes on beating is somebody else.
            if (seen is not null && seen != beat.HeldAt)
            {
                leadership.YieldId();
                seen = null;
                continue;
            }

            seen = beat.HeldAt;
            await Task.Delay(TimeSpan.FromMilliseconds(100), clock, cancellationToken);
        }

        leadership._loops.Add(leadership.RunAsync());
        return leadership;
    }

    /// <summary>The frontends that are alive now, in the order of their ids.</summary>
    /// <param name="timeLimit">How long to wait for the database.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<IReadOnlyList<Member>> ListAsync(TimeSpan timeLimit) =>
        _current = InOrder(await _database.InTimeAsync(timeLimit, _table.ListAsync));

    /// <summary>Takes a frontend off the list that is no longer alive.</summary>
    /// <param name="id">Its member id.</param>
    /// <param name="timeLimit">How long to wait for the database.</param>
    /// <returns>Whether it was on the list, and whether it was removed: it was not, if it is alive.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<(bool IsKnown, bool IsRemoved)> RemoveDeadAsync(long id, TimeSpan timeLimit) =>
        _database.InTimeAsync(timeLimit, cancel => _table.RemoveDeadAsync(id, cancel));

    /// <summary>Ends our leadership and gives it away. No beat may be under way, or its answer would make us lead again.</summary>
    /// <param name="target">The member id of who shall lead.</param>
    /// <param name="timeLimit">How long to wait for the database.</param>
    /// <returns>When it was given; null if the member is not alive or we did not lead any more.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    internal async Task<DateTime?> GiveAsync(long target, TimeSpan timeLimit)
    {
        await _beating.WaitAsync();
        try
        {
            Lead(leads: false, _clock.GetTimestamp());
            return await _database.InTimeAsync(timeLimit, cancel => _table.HandOverAsync(_run, target, cancel));
        }
        finally
        {
            _beating.Release();
        }
    }

    /// <summary>Runs a job again and again while, and only while, this frontend leads.</summary>
    /// <param name="period">From the end of one run to the next.</param>
    /// <param name="job">The job. Its token is cancelled when the leadership ends or the frontend stops. What it throws
    /// is logged and the job runs again at its next turn.</param>
    /// <returns>Ends when the frontend stops; need not be awaited.</returns>
    public Task RunWhileLeadingAsync(TimeSpan period, Func<CancellationToken, Task> job)
    {
        Task loop = RunJobAsync(period, job);
        lock (_loops)
        {
            _loops.Add(loop);
        }

        return loop;
    }

    /// <summary>Ends all jobs, takes the frontend off the list and leaves the leadership to the others at once.</summary>
    public async Task LeaveAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        Volatile.Write(ref _leadsUntil, _clock.GetTimestamp());
        Task[] loops;
        lock (_loops)
        {
            loops = [.. _loops];
        }

        await Task.WhenAll(loops).WaitAsync(LeaveLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            using CancellationTokenSource limit = new(LeaveLimit);
            await _table.LeaveAsync(_run, limit.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || DatabaseErrors.IsTransient(exception))
        {
            // The others will miss us within seconds.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        _term.Dispose();
        _stopping.Dispose();
        _beating.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            await Task.Delay(Tick, _clock, _stopping.Token);
            try
            {
                if (!(await BeatAsync(_stopping.Token)).Joined)
                {
                    YieldId(); // we were away for so long that somebody else has taken it
                }
            }
            catch (Exception exception) when (!_stopping.IsCancellationRequested)
            {
                JobMetrics.FailedBeats.Add(1);
                JobMetrics.FailedSends.Add(1);
                DatabaseMetrics.Failed(exception);
                Report(exception);
                _database.ForgetConnections();
            }

            SayWhoLeads();
        }
    }

    private async Task<Beat> BeatAsync(CancellationToken cancellationToken)
    {
        await _beating.WaitAsync(cancellationToken);
        try
        {
            // Taken before the beat is sent, so that our end of the leadership is never later than the database's.
            long sent = _clock.GetTimestamp();
            Beat beat = await _table.BeatAsync(Self, _run, cancellationToken);
            _current = InOrder(beat.Alive);
            Lead(beat.Leads, sent);
            Measure(sent);
            return beat;
        }
        finally
        {
            _beating.Release();
        }
    }

    private void Measure(long sent)
    {
        JobMetrics.BeatSeconds.Record(_clock.GetElapsedTime(sent).TotalSeconds);
        Volatile.Write(ref _lastBeat, sent);
        if (_current.FirstOrDefault(member => member.IsLeader) is { } leader && leader.Id != _lastLeader)
        {
            _lastLeader = leader.Id;
            JobMetrics.LeaderChanges.Add(1);
        }
    }

    private static List<Member> InOrder(IEnumerable<Member> members) => [.. members.OrderBy(member => (ulong)member.Id)];

    private void Lead(bool leads, long sent)
    {
        if (leads)
        {
            long limit = (long)(MemberTable.LeadershipLimit.TotalSeconds * _clock.TimestampFrequency);
            TimeSpan left = MemberTable.LeadershipLimit - _clock.GetElapsedTime(sent);
            if (left > TimeSpan.Zero)
            {
                if (_term.IsCancellationRequested)
                {
                    _term = new CancellationTokenSource();
                }

                _term.CancelAfter(left);
                Volatile.Write(ref _leadsUntil, sent + limit);
            }
        }
        else
        {
            Volatile.Write(ref _leadsUntil, sent);
            _term.Cancel();
        }
    }

    /// <summary>Said by the loop and not at the first beat: a start that fails after it says nothing but why.</summary>
    private void SayWhoLeads()
    {
        bool leads = IsLeader;
        if (leads != _led)
        {
            _led = leads;
            (leads ? (Action<ILogger>)Log.Leads : Log.LeadsNoLonger)(_logger);
        }
    }

    /// <summary>Goes on under the next identity; the last is made of the run and nobody else's.</summary>
    private void YieldId()
    {
        long taken = Self.Id;
        _identity = Math.Min(_identity + 1, _identities.Count - 1);
        Log.IdTaken(_logger, (ulong)taken, (ulong)Self.Id);
    }

    private async Task RunJobAsync(TimeSpan period, Func<CancellationToken, Task> job)
    {
        while (true)
        {
            await Task.Delay(period, _clock, _stopping.Token);
            if (!IsLeader)
            {
                continue;
            }

            try
            {
                using CancellationTokenSource token = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, _term.Token);
                await job(token.Token);
            }
            catch (Exception exception) when (!_stopping.IsCancellationRequested)
            {
                JobMetrics.FailedJobs.Add(exception is OperationCanceledException ? 0 : 1);
                DatabaseMetrics.Failed(exception);
                Report(exception);
            }
        }
    }

    /// <summary>Logs what is worth a look. That the database is away is said by those who wait for it.</summary>
    private void Report(Exception exception)
    {
        if (exception is not (OperationCanceledException or StoreUnavailableException) && !DatabaseErrors.IsTransient(exception))
        {
            Log.JobFailed(_logger, exception.GetBaseException().Message);
        }
    }
}
