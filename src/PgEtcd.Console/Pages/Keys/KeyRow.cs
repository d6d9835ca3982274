using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Keys;

/// <summary>How an entry of the past compares with the present.</summary>
public enum Since
{
    /// <summary>It is the same, or the present is what is shown.</summary>
    Same,

    /// <summary>It has another value now.</summary>
    Changed,

    /// <summary>It is gone now.</summary>
    Deleted,

    /// <summary>It was not there yet.</summary>
    Created,
}

/// <summary>A line of a list of keys.</summary>
/// <param name="Entry">The key, or the prefix that keys below it have.</param>
/// <param name="Key">The key; null for a prefix.</param>
/// <param name="Keys">Keys below it.</param>
/// <param name="Since">Beside the present.</param>
public sealed record KeyRow(byte[] Entry, SeenKey? Key, long Keys, Since Since)
{
    /// <summary>It stands for the keys below it.</summary>
    public bool IsBranch { get; init; }

    /// <summary>There are no more keys below it than were counted.</summary>
    public bool IsExact { get; init; } = true;

    /// <summary>The time and the author of its last change.</summary>
    public SeenOrigin? Origin { get; init; }

    /// <summary>The value stays hidden.</summary>
    public bool IsMasked { get; init; }
}

/// <summary>Lines of keys, and where they go on.</summary>
/// <param name="Rows">The lines.</param>
/// <param name="Prefix">What all begin with, and need not be repeated.</param>
/// <param name="Separator">Parts keys; empty: there is no tree.</param>
/// <param name="Depth">Levels above, for the tree.</param>
/// <param name="More">Where the next page is; null: this is the last.</param>
public sealed record KeyRows(IReadOnlyList<KeyRow> Rows, byte[] Prefix, byte[] Separator, int Depth, string? More);
