using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Keys;

/// <summary>How an entry of the past compares with the present.</summary>
public enum Since
{
    /// <summary>The entry is unchanged, or the page shows the present.</summary>
    Same,

    /// <summary>The entry has changed since.</summary>
    Changed,

    /// <summary>The entry was deleted since.</summary>
    Deleted,

    /// <summary>The entry was created since.</summary>
    Created,
}

/// <summary>A row of a list of keys.</summary>
/// <param name="Entry">The key, or the prefix of the keys below.</param>
/// <param name="Key">The key; null for a prefix.</param>
/// <param name="Keys">The number of keys below.</param>
/// <param name="Since">The comparison with the present.</param>
/// <param name="IsBranch">Whether the entry is a prefix.</param>
/// <param name="IsExact">Whether all keys below were counted.</param>
/// <param name="Origin">The time and the author of the last change.</param>
/// <param name="IsMasked">Whether the value is masked.</param>
public sealed record KeyRow(
    byte[] Entry, SeenKey? Key, long Keys, Since Since, bool IsBranch = false, bool IsExact = true, SeenOrigin? Origin = null,
    bool IsMasked = false);

/// <summary>A page of rows.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Prefix">The common prefix, which rows do not repeat.</param>
/// <param name="Separator">The separator of the tree; empty in a list.</param>
/// <param name="Depth">The number of levels above in the tree.</param>
/// <param name="More">The address of the next page; null on the last page.</param>
public sealed record KeyRows(IReadOnlyList<KeyRow> Rows, byte[] Prefix, byte[] Separator, int Depth, string? More);
