using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Postgres.History;

/// <summary>Ranges in SQL: <see cref="KeyRange.Start"/>, and an end or null.</summary>
internal static class RangeParameters
{
    /// <summary>The end of a range; null if it is open.</summary>
    public static ReadOnlyMemory<byte>? SqlEnd(this KeyRange range)
    {
        if (range.IsOpenEnded)
        {
            return null; // in a conditional expression, this null would become an empty memory
        }

        // A single key is the range that ends right after it.
        return range.IsSingleKey ? (byte[])[.. range.Start.Span, 0] : range.End;
    }
}
