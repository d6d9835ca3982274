using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Watching;

public sealed partial class WatchHub
{
    /// <summary>Hands out everything that the replica has taken in. The caller holds the gate.</summary>
    private void Dispatch()
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
        try
        {
            if (batches is null)
            {
                AllFallBehind(after + 1);
            }
            else if (_synced.Count > 0)
            {
                foreach (EventBatch batch in batches)
                {
                    HandOut(batch.Events, after);
                }
            }
        }
        catch (Exception exception)
        {
            Log.WatchFailed(_logger, exception);
            _gathering.ForEach(static watcher => watcher.TakeGathered());
            AllFallBehind(after + 1); // a watcher that got some of the events wants later revisions by now
        }

        foreach (WatchStream stream in _broken) // their clients open others and continue from where they were
        {
            _served.Remove(stream);
            Close(stream);
        }

        _broken.Clear();
    }

    private void AllFallBehind(long next)
    {
        foreach (Watcher watcher in _streams.SelectMany(static stream => stream.Watchers))
        {
            FallBehind(watcher, next);
        }
    }

    /// <summary>Runs an action for one stream; if it fails, the stream is closed. Throws nothing.</summary>
    internal void Guard(WatchStream stream, Action change)
    {
        try
        {
            Change(change);
        }
        catch (Exception exception)
        {
            Log.WatchFailed(_logger, exception);
            Close(stream);
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

    private void Wake(int events)
    {
        if (_isWatched)
        {
            _pace.Wake(events, _synced.Count); // read without the gate: the number only selects a way of handing out
        }
    }

    /// <summary>Runs unguarded on a thread of the pool, of a timer, or of a commit, so it must not throw.</summary>
    private void Run()
    {
        try
        {
            _pace.Begin();
            WatchStream? only = null;
            lock (_gate)
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

            only?.Queue.Wake(atOnce: true); // saves waking another thread
        }
        catch (Exception exception)
        {
            Log.WatchFailed(_logger, exception);
        }
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

    /// <summary>Hands out the only event of a revision; all watchers that want it share one list.</summary>
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

    /// <summary>Hands out a revision of several events; each watcher gets the wanted ones in one response.</summary>
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
        try
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
        catch (Exception exception)
        {
            Log.WatchFailed(_logger, exception); // the other watchers get the event all the same
            _broken.Add(watcher.Stream);
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
