using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Watching;

/// <content>The steps of <see cref="CatchUp"/> that need the gate.</content>
public sealed partial class WatchHub
{
    /// <summary>The next revision that a watcher wants; null if the watcher is no longer behind.</summary>
    internal long? NextOf(Watcher watcher)
    {
        lock (_gate)
        {
            return IsBehind(watcher) ? watcher.Next : null;
        }
    }

    /// <summary>Sends a watcher the remaining events and makes it a synced one.</summary>
    internal bool TryJoin(Watcher watcher)
    {
        lock (_gate)
        {
            if (!IsBehind(watcher))
            {
                return true;
            }

            Dispatch();
            if (_replica.Recent.After(watcher.Next - 1, out long head) is not { } rest || head != Position
                || !Send(watcher, CatchUp.Select(watcher, rest, head, watcher.Next), head, _replica.Current.CompactRevision))
            {
                return false;
            }

            if (IsBehind(watcher)) // a compaction may have ended the watch
            {
                Join(watcher);
            }

            return true;
        }
    }

    /// <summary>Sends events, as far as there is room.</summary>
    /// <param name="watcher">The recipient.</param>
    /// <param name="events">All events that the watcher wants up to <paramref name="last"/>.</param>
    /// <param name="last">The last revision that the watcher has after them.</param>
    /// <param name="compactRevision">The compaction mark.</param>
    /// <returns>True when all were sent.</returns>
    internal bool Send(Watcher watcher, List<KvEvent> events, long last, long compactRevision)
    {
        CompactedHistory.Compact(events, compactRevision);
        lock (_gate)
        {
            if (!IsBehind(watcher) || EndCompacted(watcher, compactRevision))
            {
                return true;
            }

            bool isRoom = true;
            for (int first = 0, end; first < events.Count && isRoom; first = end)
            {
                end = CatchUp.EndOfPiece(events, first, watcher.Target.PreviousValue);
                isRoom = watcher.Stream.TrySend(watcher, Math.Max(last, Position), events[first..end]);
                if (isRoom)
                {
                    watcher.Next = events[end - 1].Revision + 1;
                }
            }

            watcher.Stream.Queue.Wake();
            if (isRoom)
            {
                watcher.Next = Math.Max(watcher.Next, last + 1);
            }

            return isRoom;
        }
    }

    internal bool EndCompacted(Watcher watcher, long compactRevision)
    {
        lock (_gate)
        {
            if (!IsBehind(watcher) || watcher.Next >= compactRevision)
            {
                return false;
            }

            watcher.Stream.Compact(watcher, compactRevision);
            return true;
        }
    }

    private static bool IsBehind(Watcher watcher) => watcher.State == WatcherState.Behind;
}
