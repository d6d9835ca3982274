namespace PgEtcd.Postgres.Browsing;

/// <summary>A part of an answer.</summary>
/// <param name="Rows">Fewer than were asked for, or even none, where finding them took too long.</param>
/// <param name="Next">The key that the next page begins with; null: this is the last.</param>
public sealed record Page<T>(List<T> Rows, byte[]? Next);

/// <summary>Makes pages.</summary>
public static class Page
{
    /// <summary>A page of what was found.</summary>
    /// <param name="found">One row more than the page may have, if there are so many.</param>
    /// <param name="most">Rows of a page.</param>
    /// <param name="keyOf">The key of a row.</param>
    /// <param name="isMark">Whether the last row only tells where to go on.</param>
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
