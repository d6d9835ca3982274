using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Watching;

/// <summary>A message of a watch stream before it is encoded: one WatchResponse, or several if the client accepts fragments.</summary>
/// <param name="Revision">The revision in the response's header.</param>
/// <param name="WatchId">The watch, or -1 for none.</param>
public sealed record WatchUpdate(long Revision, long WatchId)
{
    /// <summary>Upper bound of the bytes that a response or an event has around keys and values.</summary>
    internal const int Overhead = 100;

    /// <summary>The answer to a create request.</summary>
    public bool Created { get; init; }

    /// <summary>Whether the watch has ended.</summary>
    public bool Canceled { get; init; }

    /// <summary>The compact revision, when a compaction has ended the watch; else 0.</summary>
    public long CompactRevision { get; init; }

    /// <summary>The reason why the watch could not be created; ASCII.</summary>
    public string CancelReason { get; init; } = "";

    /// <summary>Whole revisions, in order.</summary>
    public IReadOnlyList<KvEvent> Events { get; init; } = [];

    /// <summary>Whether events carry the key as it was before.</summary>
    public bool PreviousValues { get; init; }

    /// <summary>Whether the client accepts a large response in pieces (fragment).</summary>
    public bool MayBeCut { get; init; }

    /// <summary>Whether more pieces of the same response follow.</summary>
    public bool IsCut { get; init; }

    /// <summary>Bytes that its events take in memory and on the wire, at most.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes that an event takes in a response, at most.</summary>
    /// <param name="change">The event.</param>
    /// <param name="withPrevious">Whether the previous value is sent, too.</param>
    internal static long Weight(in KvEvent change, bool withPrevious) =>
        Overhead + (change.Record?.Encoded.Length ?? change.Key.Length) + (withPrevious ? change.Previous?.Encoded.Length ?? 0 : 0);

    /// <summary>Bytes that events take in a response, at most. Without LINQ, as each event is weighed for each watcher.</summary>
    /// <param name="events">The events.</param>
    /// <param name="withPrevious">Whether previous values are sent, too.</param>
    internal static long Weight(IReadOnlyList<KvEvent> events, bool withPrevious)
    {
        long bytes = 0;
        foreach (KvEvent change in events)
        {
            bytes += Weight(change, withPrevious);
        }

        return bytes;
    }
}
