using PgEtcd.Mvcc;
using PgEtcd.Postgres.History;
using PgEtcd.Server.Store;
using PgEtcd.Server.Wire;

namespace PgEtcd.Server.Watching;

/// <summary>Hands the events that the replica takes in to those who watch (design §6, semantics.md §7).</summary>
/// <remarks>Watchers are synced or behind. The synced ones stand in an index and get each event as it comes; one whose
/// stream has no room falls behind, and is brought up from recent events or the log by its stream's own task
/// (<see cref="CatchUp"/>). So nobody waits for a slow client, and it costs no memory.</remarks>
public sealed class WatchHub : IDisposable
{
    private readonly Replica _replica;
    private readonly KeyRangeIndex<Watcher> _synced = new();
    private readonly HashSet<WatchStream> _streams = [];
    private readonly List<Watcher> _found = [];
    private readonly List<Watcher> _gathering = [];
    private readonly HashSet<WatchStream> _served = [];
    private readonly DispatchPace _pace;
    private volatile bool _isWatched;

    /// <param name="replica">Where events come from.</param>
    /// <param name="log">Where older events are.</param>
    /// <param name="maxResponseBytes">From this size on a response is cut, where the client asked for it.</param>
    /// <param name="progressInterval">How often progress is told, unasked.</param>
    /// <param name="clock">Measures it.</param>
    /// <param name="logger">Where to log.</param>
    public WatchHub(
        Replica replica, EventReader log, int maxResponseBytes, TimeSpan progressInterval, TimeProvider clock, ILogger<WatchHub> logger)
    {
        _replica = replica;
        MaxResponseBytes = maxResponseBytes;
        ProgressInterval = progressInterval;
        Clock = clock;
        CatchUp = new CatchUp(this, replica, log, logger);
        Position = replica.Recent.Head;
        _pace = new DispatchPace(Run, clock);
        replica.Advanced += Wake;
    }

    /// <summary>Guards the streams, their watchers and the index.</summary>
    internal Lock Gate { get; } = new();

    internal CatchUp CatchUp { get; }

    internal int MaxResponseBytes { get; }

    internal TimeSpan ProgressInterval { get; }

    internal TimeProvider Clock { get; }

    /// <summary>Events given to watches since the start. Changes under the gate.</summary>
    internal long EventsSent { get; set; }

    /// <summary>The last revision that was handed out. Changes under the gate.</summary>
    internal long Position { get; private set; }

    /// <summary>Opens a stream.</summary>
    /// <param name="headers">Of its responses.</param>
    internal WatchStream Open(ResponseHeaders headers)
    {
        WatchStream stream = new(this, headers);
        lock (Gate)
        {
            _streams.Add(stream);
            _isWatched = true;
        }

        return stream;
    }

    /// <summary>How many watch, and how far they are.</summary>
    public WatchCounts Count()
    {
        lock (Gate)
        {
            WatchCounts counts = new() { Streams = _streams.Count, Synced = _synced.Count, EventsSent = EventsSent };
            foreach (WatchStream stream in _streams)
            {
                counts = stream.AddTo(counts, Position);
            }

            return counts;
        }
    }

    /// <summary>Ends a stream and its watches.</summary>
    internal void Close(WatchStream stream)
    {
        lock (Gate)
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

    /// <inheritdoc/>
    public void Dispose()
    {
        _replica.Advanced -= Wake;
        _pace.Dispose();
        CatchUp.Dispose();
    }

    /// <summary>Hands out everything that the replica has taken in. The caller holds the gate.</summary>
    internal void Dispatch()
    {
        HandOutNew();
        WakeServed();
    }

    private void HandOutNew()
    {
        if (_replica.Recent.Head == Position)
        {
            return;
        }

        List<EventBatch>? batches = _replica.Recent.After(Position, out long head);
        long after = Position;
        Position = head;
        if (batches is null)
        {
            foreach (Watcher watcher in _streams.SelectMany(static stream => stream.Watchers))
            {
                FallBehind(watcher, after + 1);
            }

            return;
        }

        if (_synced.Count > 0)
        {
            foreach (EventBatch batch in batches)
            {
                HandOut(batch.Events, after);
            }
        }
    }

    private void WakeServed()
    {
        foreach (WatchStream stream in _served)
        {
            stream.Queue.Wake();
        }

        _served.Clear();
    }

    /// <summary>A watcher that has everything up to <see cref="Position"/> gets events as they come from now on. The caller
    /// holds the gate.</summary>
    internal void Join(Watcher watcher)
    {
        watcher.State = WatcherState.Synced;
        _synced.Add(watcher.Target.Range, watcher);
    }

    /// <summary>A watcher gets no more events. The caller holds the gate.</summary>
    internal void Leave(Watcher watcher, WatcherState state)
    {
        if (watcher.State == WatcherState.Synced)
        {
            _synced.Remove(watcher.Target.Range, watcher);
        }

        watcher.State = state;
    }

    private void Wake(int events)
    {
        if (_isWatched)
        {
            _pace.Wake(events, _synced.Count); // read without the gate: nothing but the way taken depends on it
        }
    }

    private void Run()
    {
        _pace.Begin();
        WatchStream? only = null;
        lock (Gate)
        {
            long before = EventsSent;
            HandOutNew();
            _pace.End(EventsSent - before, _served.Count);
            if (_served.Count == 1)
            {
                only = _served.Single();
                _served.Clear();
            }
            else
            {
                WakeServed();
            }
        }

        only?.Queue.Wake(atOnce: true); // saves another thread's waking up
    }

    private void HandOut(IReadOnlyList<KvEvent> events, long after)
    {
        for (int first = 0, end; first < events.Count; first = end)
        {
            long revision = events[first].Revision;
            end = first + 1;
            while (end < events.Count && events[end].Revision == revision)
            {
                end++;
            }

            if (revision <= after)
            {
                continue;
            }

            if (end == first + 1)
            {
                HandOut(events[first]);
            }
            else
            {
                HandOut(events, first, end);
            }
        }
    }

    /// <summary>The only event of its revision: all who want it share it.</summary>
    private void HandOut(KvEvent change)
    {
        KvEvent[] shared = [change];
        _found.Clear();
        _synced.Find(change.Key.Span, _found);
        foreach (Watcher watcher in _found)
        {
            if (watcher.Wants(change))
            {
                Deliver(watcher, change.Revision, shared);
            }
        }
    }

    /// <summary>A revision of several events: each watcher gets those it wants in one response.</summary>
    private void HandOut(IReadOnlyList<KvEvent> events, int first, int end)
    {
        _gathering.Clear();
        for (int i = first; i < end; i++)
        {
            KvEvent change = events[i];
            _found.Clear();
            _synced.Find(change.Key.Span, _found);
            foreach (Watcher watcher in _found)
            {
                if (watcher.Wants(change) && watcher.Gather(change))
                {
                    _gathering.Add(watcher);
                }
            }
        }

        foreach (Watcher watcher in _gathering)
        {
            Deliver(watcher, events[first].Revision, watcher.TakeGathered());
        }
    }

    private void Deliver(Watcher watcher, long revision, IReadOnlyList<KvEvent> events)
    {
        if (watcher.Stream.TrySend(watcher, revision, events))
        {
            watcher.Next = revision + 1;
            _served.Add(watcher.Stream);
        }
        else
        {
            FallBehind(watcher, revision);
        }
    }

    private void FallBehind(Watcher watcher, long next)
    {
        if (watcher.State == WatcherState.Synced)
        {
            Leave(watcher, WatcherState.Behind);
            watcher.Next = Math.Max(watcher.Next, next);
            watcher.Stream.BringUp(watcher);
        }
    }
}
