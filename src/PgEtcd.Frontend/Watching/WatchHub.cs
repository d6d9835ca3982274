using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc.Ranges;
using PgEtcd.Postgres.History;

namespace PgEtcd.Frontend.Watching;

/// <summary>Hands the events that the replica takes in to the watchers (design §6, semantics.md §7).</summary>
/// <remarks>Watchers are synced or behind. The synced ones are in an index and get each event as it comes. A watcher whose stream has no
/// room falls behind, and its stream's own task brings it up to date from recent events or the log (<see cref="CatchUp"/>). So a slow
/// client delays no other and costs no memory.</remarks>
public sealed partial class WatchHub : IDisposable
{
    /// <summary>Guards the streams, their watchers and the index. Second in the lock order (RunningFrontend): RecentEvents and the
    /// WatchQueues are used under it.</summary>
    private readonly Lock _gate = new();

    private readonly Replica _replica;
    private readonly KeyRangeIndex<Watcher> _synced = new();
    private readonly HashSet<WatchStream> _streams = [];
    private readonly List<Watcher> _found = [];
    private readonly List<Watcher> _gathering = [];
    private readonly HashSet<WatchStream> _served = [];
    private readonly HashSet<WatchStream> _broken = [];
    private readonly ILogger _logger;
    private readonly DispatchPace _pace;
    private volatile bool _isWatched;

    /// <param name="replica">The source of events.</param>
    /// <param name="log">The source of older events.</param>
    /// <param name="progressInterval">Interval of progress notifications.</param>
    /// <param name="clock">Measures that interval.</param>
    /// <param name="logger">Where to log.</param>
    public WatchHub(
        Replica replica, EventReader log, TimeSpan progressInterval, TimeProvider clock, ILogger<WatchHub> logger)
    {
        _replica = replica;
        _logger = logger;
        ProgressInterval = progressInterval;
        Clock = clock;
        CatchUp = new CatchUp(this, replica, log, logger);
        Position = replica.Recent.Head;
        _pace = new DispatchPace(Run, clock);
        replica.Advanced += Wake;
    }

    /// <summary>Whether there is a watch stream.</summary>
    public bool IsWatched => _isWatched;

    internal CatchUp CatchUp { get; }

    internal TimeSpan ProgressInterval { get; }

    internal TimeProvider Clock { get; }

    /// <summary>Events given to watches since the start. Changes under the gate.</summary>
    internal long EventsSent { get; set; }

    /// <summary>The last revision that was handed out. Changes under the gate.</summary>
    internal long Position { get; private set; }

    /// <summary>Opens a stream.</summary>
    public WatchStream Open() => Open(new WatchQueue());

    /// <summary>Opens a stream with a queue of its own.</summary>
    internal WatchStream Open(WatchQueue queue)
    {
        WatchStream stream = new(this, queue);
        lock (_gate)
        {
            _streams.Add(stream);
            _isWatched = true;
        }

        return stream;
    }

    /// <summary>Counts the watches, and how far behind they are.</summary>
    public WatchCounts Count()
    {
        lock (_gate)
        {
            Watcher[] behind = [.. _streams.SelectMany(static stream => stream.Watchers).Where(IsBehind)];
            return new WatchCounts(
                Streams: _streams.Count,
                Synced: _synced.Count,
                Behind: behind.Length,
                Lag: behind.Select(watcher => Position - watcher.Next + 1).Append(0).Max(),
                Waiting: _streams.Sum(static stream => stream.Queue.Count),
                EventsSent: EventsSent);
        }
    }

    /// <summary>Ends a stream and its watches.</summary>
    public void Close(WatchStream stream)
    {
        lock (_gate)
        {
            foreach (Watcher watcher in stream.Watchers)
            {
                Leave(watcher, WatcherState.Cancelled);
            }

            _streams.Remove(stream);
            _isWatched = _streams.Count > 0;
        }

        stream.End();
    }

    /// <summary>Ends all streams.</summary>
    public void Dispose()
    {
        _replica.Advanced -= Wake;
        WatchStream[] open;
        lock (_gate)
        {
            open = [.. _streams];
        }

        foreach (WatchStream stream in open)
        {
            Close(stream);
        }

        _pace.Dispose();
        CatchUp.Dispose();
    }

    /// <summary>Changes the watches of a stream under the gate, after everything that was taken in before has been handed out.</summary>
    internal void Change(Action change)
    {
        lock (_gate)
        {
            Dispatch();
            change();
        }
    }

    /// <summary>Makes a watcher that has everything up to <see cref="Position"/> a synced one. The caller holds the gate.</summary>
    internal void Join(Watcher watcher)
    {
        watcher.State = WatcherState.Synced;
        _synced.Add(watcher.Target.Range, watcher);
    }

    /// <summary>Ends the delivery of events to a watcher. The caller holds the gate.</summary>
    internal void Leave(Watcher watcher, WatcherState state)
    {
        if (watcher.State == WatcherState.Synced)
        {
            _synced.Remove(watcher.Target.Range, watcher);
        }

        watcher.State = state;
    }
}
