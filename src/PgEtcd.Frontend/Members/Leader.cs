using PgEtcd.Postgres.Members;

namespace PgEtcd.Frontend.Members;

/// <summary>This frontend's hold on the leadership. One frontend leads at a time, so that each job runs once (design §7, §10). The
/// heartbeats of <see cref="Membership"/> win and renew it.</summary>
/// <param name="clock">This process's clock.</param>
/// <param name="logger">Logs changes of the leadership.</param>
public sealed class Leader(TimeProvider clock, ILogger<Leader> logger) : IDisposable
{
    private readonly CancellationTokenSource _resigned = new();
    private volatile CancellationTokenSource _term = new(TimeSpan.Zero); // cancelled: it begins without the leadership
    private long _until = clock.GetTimestamp();
    private bool _announced;

    /// <summary>Whether this frontend may now do what only the leader may do. Its own clock decides, and that clock runs on while the
    /// process is stopped: a frontend that resumes after the end of its leadership knows that it no longer leads.</summary>
    public bool IsLeader => !_resigned.IsCancellationRequested && clock.GetTimestamp() < Volatile.Read(ref _until);

    /// <summary>Cancelled when the present leadership ends.</summary>
    internal CancellationToken Term => _term.Token;

    /// <summary>Cancelled when this frontend no longer competes.</summary>
    internal CancellationToken Resigned => _resigned.Token;

    /// <summary>Ends the leadership for good: no heartbeat wins it again.</summary>
    public void Resign() => _resigned.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _term.Dispose();
        _resigned.Dispose();
    }

    /// <summary>A heartbeat has won or renewed the leadership. Not called concurrently with itself or <see cref="Lose"/>.</summary>
    /// <param name="sent">When the heartbeat was sent, so that our end of the leadership is never later than the database's.</param>
    internal void Win(long sent)
    {
        TimeSpan left = MemberTable.LeadershipLimit - clock.GetElapsedTime(sent);
        if (left <= TimeSpan.Zero)
        {
            return;
        }

        if (_term.IsCancellationRequested)
        {
            _term = new CancellationTokenSource();
        }

        _term.CancelAfter(left);
        Volatile.Write(ref _until, sent + (long)(MemberTable.LeadershipLimit.TotalSeconds * clock.TimestampFrequency));
    }

    /// <summary>Ends the leadership: another frontend has it, or is about to get it.</summary>
    internal void Lose()
    {
        Volatile.Write(ref _until, clock.GetTimestamp());
        _term.Cancel();
    }

    /// <summary>Logs a change of the leadership. Not called for the first heartbeat, so that a failing start logs only its
    /// reason.</summary>
    internal void Announce()
    {
        bool leads = IsLeader;
        if (leads != _announced)
        {
            _announced = leads;
            (leads ? (Action<ILogger>)Log.Leads : Log.LeadsNoLonger)(logger);
        }
    }
}
