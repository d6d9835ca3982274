using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Watching;

/// <summary>What a watch stream tells its client, before it is encoded: one WatchResponse, or several where the client lets a large one
/// be cut.</summary>
/// <param name="Revision">Of the response's header.</param>
/// <param name="WatchId">The watch, or -1 for none.</param>
public sealed record WatchUpdate(long Revision, long WatchId)
{
    /// <summary>More than what a response or an event has around keys and values, bytes.</summary>
    internal const int Overhead = 100;

    /// <summary>The answer to a create request.</summary>
    public bool Created { get; init; }

    /// <summary>The watch has ended.</summary>
    public bool Canceled { get; init; }

    /// <summary>The compact revision, when a compaction has ended the watch; else 0.</summary>
    public long CompactRevision { get; init; }

    /// <summary>Why it could not be created; ASCII.</summary>
    public string CancelReason { get; init; } = "";

    /// <summary>Whole revisions, in order.</summary>
    public IReadOnlyList<KvEvent> Events { get; init; } = [];

    /// <summary>Whether events carry the key as it was before.</summary>
    public bool PreviousValues { get; init; }

    /// <summary>The client takes a large response in pieces (fragment).</summary>
    public bool MayBeCut { get; init; }

    /// <summary>More pieces of the same response follow.</summary>
    public bool IsCut { get; init; }

    /// <summary>Bytes that its events take in memory and on the wire, at most.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes that an event takes in a response, at most.</summary>
    /// <param name="change">The event.</param>
    /// <param name="withPrevious">Whether the value before is sent too.</param>
    internal static long Weight(in KvEvent change, bool withPrevious) =>
        Overhead + (change.Record?.Encoded.Length ?? change.Key.Length) + (withPrevious ? change.Previous?.Encoded.Length ?? 0 : 0);

    /// <summary>Bytes that events take in a response, at most. Without LINQ, as each event is weighed for each watcher.</summary>
    /// <param name="events">The events.</param>
    /// <param name="withPrevious">Whether the values before are sent too.</param>
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
