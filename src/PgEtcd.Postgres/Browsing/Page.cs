namespace PgEtcd.Postgres.Browsing;

/// <summary>A part of an answer.</summary>
/// <param name="Rows">The rows; fewer than requested, or even none, if the search took too long.</param>
/// <param name="Next">The first key of the next page; null if this page is the last.</param>
public sealed record Page<T>(List<T> Rows, byte[]? Next);

/// <summary>Makes pages.</summary>
public static class Page
{
    /// <summary>A page of the rows that were found.</summary>
    /// <param name="found">The rows, one more than the page may have if there are so many.</param>
    /// <param name="most">Rows of a page.</param>
    /// <param name="keyOf">The key of a row.</param>
    /// <param name="isMark">Whether a row only marks the beginning of the next page.</param>
    public static Page<T> Of<T>(List<T> found, int most, Func<T, byte[]> keyOf, Func<T, bool> isMark)
    {
        if (found.Count == 0 || (found.Count <= most && !isMark(found[^1])))
        {
            return new Page<T>(found, null);
        }

        byte[] next = keyOf(found[^1]);
        found.RemoveAt(found.Count - 1);
        return new Page<T>(found, next);
    }
}
