using System.Threading.Channels;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;

namespace PgEtcd.Frontend.Watching;

/// <summary>Brings watchers that are behind up to date: from recent events if those reach back far enough, otherwise from the log, piece by
/// piece as the client has room.</summary>
public sealed class CatchUp(WatchHub hub, Replica replica, EventReader log, ILogger logger) : IDisposable
{
    /// <summary>How many revisions one response may hold, as in etcd (semantics.md §7).</summary>
    private const int MaxRevisions = 1000;

    /// <summary>How many bytes one response may have, unless a single revision has more. Many clients accept 4 MB, and a client that failed
    /// on a larger response would fail on it again and again.</summary>
    internal const long MaxBytes = 1024 * 1024;

    /// <summary>Pause between attempts while the database is unavailable.</summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Limits concurrent reads of the log: the connection pool has other work, too.</summary>
    private readonly SemaphoreSlim _readers = new(4);

    /// <summary>Serves the watchers of a stream that fall behind, one piece each in turn, until the stream ends.</summary>
    internal async Task RunAsync(WatchStream stream, Channel<Watcher> behind)
    {
        try
        {
            await foreach (Watcher watcher in behind.Reader.ReadAllAsync())
            {
                await stream.Queue.RoomAsync();
                if (!await StepAsync(watcher))
                {
                    behind.Writer.TryWrite(watcher);
                }
            }
        }
        catch (Exception exception)
        {
            // The client opens another stream and continues from where it was.
            Log.CatchUpFailed(logger, exception);
            hub.Close(stream);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _readers.Dispose();

    /// <summary>Sends a watcher one piece.</summary>
    /// <returns>True if the watcher needs no further piece.</returns>
    private async Task<bool> StepAsync(Watcher watcher)
    {
        if (hub.NextOf(watcher) is not { } next)
        {
            return true;
        }

        if (replica.Recent.After(next - 1, out long head) is { } recent)
        {
            return hub.Send(watcher, Select(watcher, recent, head, next), head, replica.Current.CompactRevision) && hub.TryJoin(watcher);
        }

        try
        {
            LoggedEvents logged = await _readers.InTurnAsync(
                () => log.ReadAsync(watcher.Target.Range, next, head, watcher.Target.PreviousValue, CancellationToken.None));
            if (next < logged.CompactRevision)
            {
                return hub.EndCompacted(watcher, logged.CompactRevision);
            }

            hub.Send(watcher, [.. logged.Events.Where(change => watcher.Wants(change))], logged.Last, logged.CompactRevision);
            return false;
        }
        catch (Exception exception) when (DatabaseErrors.IsTransient(exception))
        {
            await Task.Delay(RetryPause);
            return false;
        }
    }

    internal static List<KvEvent> Select(Watcher watcher, List<EventBatch> batches, long head, long next)
    {
        List<KvEvent> selected = [];
        foreach (EventBatch batch in batches)
        {
            foreach (KvEvent change in batch.Events)
            {
                if (change.Revision >= next && change.Revision <= head
                    && watcher.Wants(change) && watcher.Target.Range.Contains(change.Key.Span))
                {
                    selected.Add(change);
                }
            }
        }

        return selected;
    }

    /// <summary>The end of the next response, before the revision that would make the response too large.</summary>
    /// <param name="events">Whole revisions, in order.</param>
    /// <param name="first">The index of the response's first event.</param>
    /// <param name="withPrevious">Whether previous values are sent, too.</param>
    internal static int EndOfPiece(List<KvEvent> events, int first, bool withPrevious)
    {
        long bytes = WatchUpdate.Overhead;
        int end = first;
        for (int revisions = 0; end < events.Count && revisions < MaxRevisions; revisions++)
        {
            int next = end;
            do
            {
                bytes += WatchUpdate.Weight(events[next++], withPrevious);
            }
            while (next < events.Count && events[next].Revision == events[end].Revision);

            if (bytes > MaxBytes && end > first)
            {
                break;
            }

            end = next;
        }

        return end;
    }
}
