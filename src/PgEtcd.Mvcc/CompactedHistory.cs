using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc;

/// <summary>The history that a finished compaction leaves (semantics.md §6): everything above the mark; at and below it the newest
/// change of each key, unless that is a tombstone below the mark.</summary>
/// <remarks>SQL applies the same rule where rows are removed (<c>pgetcd.remove_superseded</c>, functions/removal.sql) and where a
/// snapshot leaves out rows that are still to be removed (<c>LogScan</c>). HashKV counts less, see <c>HashReader</c> and
/// <c>HashKv</c>: no tombstone at or below the mark.</remarks>
public static class CompactedHistory
{
    /// <summary>Whether a compaction leaves a change.</summary>
    /// <param name="revision">The change's revision.</param>
    /// <param name="isTombstone">Whether it deletes its key.</param>
    /// <param name="isNewestCompacted">Whether it is the newest of its key at or below the mark; ignored above it.</param>
    /// <param name="compactRevision">The mark; -1 if never compacted.</param>
    public static bool Leaves(long revision, bool isTombstone, bool isNewestCompacted, long compactRevision) =>
        revision > compactRevision || (isNewestCompacted && (!isTombstone || revision == compactRevision));

    /// <summary>Removes the events that a compaction does not leave, and the previous values of those at or below the mark.</summary>
    public static void Compact(List<KvEvent> events, long compactRevision)
    {
        int compacted = events.TakeWhile(change => change.Revision <= compactRevision).Count();
        HashSet<ReadOnlyMemory<byte>> changedLater = new(BytesComparer.Instance);
        KvEvent[] left = [.. events.Take(compacted).Reverse()
            .Where(change => Leaves(change.Revision, change.IsDelete, changedLater.Add(change.Key), compactRevision))
            .Select(static change => change with { Previous = null }).Reverse()];
        events.RemoveRange(0, compacted);
        events.InsertRange(0, left);
    }
}
