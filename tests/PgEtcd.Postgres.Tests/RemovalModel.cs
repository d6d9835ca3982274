namespace PgEtcd.Postgres.Tests;

/// <summary>A row of the log, with the columns that matter for removal.</summary>
internal sealed record RemovalRow(long Revision, int Sub, string Key, bool Tombstone);

/// <summary>The rows that a compaction leaves, derived in the slow way from the whole history (semantics.md §6).</summary>
internal static class RemovalModel
{
    /// <summary>The rows left of a history that was compacted, perhaps several times, last at a revision.</summary>
    public static IEnumerable<RemovalRow> Survivors(IReadOnlyCollection<RemovalRow> history, long compactRevision)
    {
        HashSet<RemovalRow> newest = [.. history.Where(row => row.Revision <= compactRevision)
            .GroupBy(row => row.Key, (_, rows) => rows.MaxBy(row => (row.Revision, row.Sub))!)
            .Where(row => !row.Tombstone)];
        return history.Where(row => row.Revision >= compactRevision || newest.Contains(row));
    }

    /// <summary>The keys at a revision, by replay.</summary>
    public static IEnumerable<string> KeysAt(IEnumerable<RemovalRow> history, long revision) =>
        history.Where(row => row.Revision <= revision)
            .GroupBy(row => row.Key, (_, rows) => rows.MaxBy(row => (row.Revision, row.Sub))!)
            .Where(row => !row.Tombstone)
            .Select(row => row.Key)
            .Order(StringComparer.Ordinal);
}
