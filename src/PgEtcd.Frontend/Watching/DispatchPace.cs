namespace PgEtcd.Frontend.Watching;

/// <summary>When the hub hands out what the replica has taken in (<see cref="WatchHub"/>).</summary>
/// <remarks>At once, as a rule. But a client is sent ten events at hardly the cost of one. So while batches of many writes
/// follow each other, and each stream gets but a few events of a batch, events wait for those of the next, up to
/// <see cref="Pause"/>.</remarks>
internal sealed class DispatchPace : IDisposable
{
    /// <summary>Events times watchers up to which handing out costs less than waking a thread for it.</summary>
    private const int Few = 16;

    /// <summary>Writes in a batch from which on others wait behind it: more events are to come.</summary>
    private const int Busy = 8;

    /// <summary>Events for each stream from which on they are better not kept waiting for more.</summary>
    private const int Worthwhile = 16;

    private readonly Action _dispatch;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private long _ended;
    private int _underWay;
    private volatile bool _isWorthwhile;

    /// <param name="dispatch">Hands out everything. It calls <see cref="Begin"/> before it looks what there is.</param>
    /// <param name="clock">Measures the pause.</param>
    public DispatchPace(Action dispatch, TimeProvider clock)
    {
        _dispatch = dispatch;
        _clock = clock;
        _timer = clock.CreateTimer(
            static pace => ((DispatchPace)pace!)._dispatch(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The longest that events wait for others.</summary>
    public static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Has what is new handed out, here, on another thread, or after a pause.</summary>
    /// <param name="events">How many are new.</param>
    /// <param name="watchers">How many there are.</param>
    public void Wake(int events, int watchers)
    {
        if ((long)events * watchers <= Few)
        {
            _dispatch();
            return;
        }

        if (Interlocked.Exchange(ref _underWay, 1) != 0)
        {
            return; // they will be handed out with the others
        }

        if (events >= Busy && !_isWorthwhile && _clock.GetElapsedTime(Volatile.Read(ref _ended)) < Pause)
        {
            _timer.Change(Pause, Timeout.InfiniteTimeSpan);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(static dispatch => dispatch(), _dispatch, preferLocal: false);
        }
    }

    /// <summary>Events are going to be handed out; for those that come from now on it takes another time.</summary>
    public void Begin() => Interlocked.Exchange(ref _underWay, 0);

    /// <summary>Events were handed out.</summary>
    /// <param name="events">How many.</param>
    /// <param name="streams">To how many streams.</param>
    public void End(long events, int streams)
    {
        _isWorthwhile = events >= (long)Worthwhile * streams;
        Volatile.Write(ref _ended, _clock.GetTimestamp());
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();
}
