namespace PgEtcd.Frontend.Watching;

/// <summary>Decides when the hub hands out the events that the replica has taken in (<see cref="WatchHub"/>).</summary>
/// <remarks>Usually at once. But sending ten events to a client costs hardly more than sending one. So while large batches follow each
/// other, and each stream gets only a few events of a batch, events wait up to <see cref="Pause"/> for those of the next one.</remarks>
/// <param name="dispatch">Hands out all new events. It calls <see cref="Begin"/> before it looks for them.</param>
/// <param name="clock">Measures the pause.</param>
internal sealed class DispatchPace(Action dispatch, TimeProvider clock) : IDisposable
{
    /// <summary>Product of events and watchers up to which handing out costs less than waking a thread.</summary>
    private const int Few = 16;

    /// <summary>Size of a batch from which on further writes probably wait behind it, so that more events will follow.</summary>
    private const int Busy = 8;

    /// <summary>Events per stream from which on waiting for more does not pay.</summary>
    private const int Worthwhile = 16;

    private readonly ITimer _timer = clock.CreateTimer(
        static dispatch => ((Action)dispatch!)(), dispatch, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    private long _ended;
    private int _underWay;
    private volatile bool _isWorthwhile;

    /// <summary>The longest time that events wait for others.</summary>
    public static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Has new events handed out: on this thread, on another one, or after a pause.</summary>
    /// <param name="events">Number of new events.</param>
    /// <param name="watchers">Number of watchers.</param>
    public void Wake(int events, int watchers)
    {
        if ((long)events * watchers <= Few)
        {
            dispatch();
            return;
        }

        if (Interlocked.Exchange(ref _underWay, 1) != 0)
        {
            return; // they will be handed out with the others
        }

        if (events >= Busy && !_isWorthwhile && clock.GetElapsedTime(Volatile.Read(ref _ended)) < Pause)
        {
            _timer.Change(Pause, Timeout.InfiniteTimeSpan);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(static dispatch => dispatch(), dispatch, preferLocal: false);
        }
    }

    /// <summary>Tells that events are about to be handed out. Later ones need another call of <see cref="Wake"/>.</summary>
    public void Begin() => Interlocked.Exchange(ref _underWay, 0);

    /// <summary>Tells that events were handed out.</summary>
    /// <param name="events">Number of events.</param>
    /// <param name="streams">Number of streams that received them.</param>
    public void End(long events, int streams)
    {
        _isWorthwhile = events >= (long)Worthwhile * streams;
        Volatile.Write(ref _ended, clock.GetTimestamp());
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();
}
