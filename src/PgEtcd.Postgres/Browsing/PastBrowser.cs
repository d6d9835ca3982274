namespace PgEtcd.Postgres.Browsing;

/// <summary>Queries moments, and the keys of a moment.</summary>
public sealed class PastBrowser(Browser browser)
{
    /// <summary>Time after which a page ends, however short it is; the next page continues.</summary>
    internal const string Patience = "interval '100 milliseconds'";

    /// <summary>Most keys that are counted; a tenth of that for each entry of a page with more than 20 entries.</summary>
    internal const string CountTo = "1000";

    private const string MarksSql = "select s.revision, s.compact_revision, s.oldest_revision from pgetcd.status s";
    private const string TimeSql = "select pgetcd.time_of($1)";
    private const string RevisionAtSql = "select pgetcd.revision_at($1)";
    private const string RevisionAgoSql = "select pgetcd.revision_at(clock_timestamp() - $1)";
    private const string LevelSql = $"""
        select l.entry, l.is_key, l.keys, l.is_exact from pgetcd.level_page($1, $2, $3, $4, $5, {CountTo}, clock_timestamp() + {Patience}) l
        """;

    private const string ListSql = $"""
        select w.key, substr(w.value, 1, $5) as value, octet_length(w.value) as size, w.create_revision, w.mod_revision, w.version, w.lease
        from pgetcd.walk_at($1, $2, $3, $4, until => clock_timestamp() + {Patience}) w
        """;

    private const string SearchSql = $"""
        select s.key, substr(s.value, 1, $7) as value, octet_length(s.value) as size, s.create_revision, s.mod_revision, s.version, s.lease
        from pgetcd.search_page($1, $2, $3, $4, $5, $6, clock_timestamp() + interval '50 milliseconds') s
        """;

    private const string KeySql = """
        select s.key, s.value, octet_length(s.value) as size, s.create_revision, s.mod_revision, s.version, s.lease
        from pgetcd.key_at($1, $2) s
        """;

    private const string PickSql = """
        select s.key, substr(s.value, 1, $3) as value, octet_length(s.value) as size, s.create_revision, s.mod_revision, s.version, s.lease
        from pg_catalog.unnest($2) wanted (key) cross join lateral pgetcd.key_at($1, wanted.key) s
        """;

    /// <summary>The marks of the store.</summary>
    public async Task<StoreMarks> MarksAsync(CancellationToken gone) => (await browser.FirstAsync<StoreMarks>(MarksSql, gone))!;

    /// <summary>The time of a revision; null if it is no longer known.</summary>
    public Task<DateTime?> TimeOfAsync(long revision, CancellationToken gone) =>
        browser.FirstAsync<DateTime?>(TimeSql, gone, revision);

    /// <summary>The last revision at a time.</summary>
    /// <exception cref="RefusedException">The time is in the future.</exception>
    public Task<long> RevisionAtAsync(DateTime time, CancellationToken gone) =>
        browser.FirstAsync<long>(RevisionAtSql, gone, (DateTime?)time);

    /// <summary>The last revision at a time before now.</summary>
    public Task<long> RevisionAgoAsync(TimeSpan ago, CancellationToken gone) =>
        browser.FirstAsync<long>(RevisionAgoSql, gone, ago);

    /// <summary>A level of the tree.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="prefix">The prefix of all entries.</param>
    /// <param name="separator">Separates the parts of a key; empty for no tree.</param>
    /// <param name="from">The first entry.</param>
    /// <param name="most">Most entries.</param>
    /// <exception cref="RefusedException">The revision is not kept.</exception>
    public async Task<Page<LevelEntry>> LevelAsync(
        long revision, byte[] prefix, byte[] separator, byte[] from, int most, CancellationToken gone) =>
        Page.Of(
            await browser.ListAsync<LevelEntry>(LevelSql, gone, revision, prefix, separator, from, most + 1),
            most, static entry => entry.Entry, static entry => entry.Keys == 0);

    /// <summary>Keys from a first key on, with the beginnings of their values.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="start">The first key.</param>
    /// <param name="end">The key after the last; null for the end of the store.</param>
    /// <param name="most">Most keys.</param>
    /// <param name="preview">Most bytes of a value.</param>
    /// <exception cref="RefusedException">The revision is not kept.</exception>
    public async Task<Page<SeenKey>> ListAsync(long revision, byte[] start, byte[]? end, int most, int preview, CancellationToken gone) =>
        Page.Of(
            await browser.ListAsync<SeenKey>(ListSql, gone, revision, start, end, most + 1, preview),
            most, static key => key.Key, static key => key.ModRevision == 0);

    /// <summary>Keys with a prefix that contain a text.</summary>
    /// <inheritdoc cref="ListAsync"/>
    /// <exception cref="RefusedException">The revision is not kept, or there is too much to search.</exception>
    public async Task<Page<SeenKey>> SearchAsync(
        long revision, byte[] prefix, byte[] wanted, bool inValues, byte[] from, int most, int preview, CancellationToken gone) =>
        Page.Of(
            await browser.ListAsync<SeenKey>(SearchSql, gone, revision, prefix, wanted, inValues, from, most + 1, preview),
            most, static key => key.Key, static _ => false);

    /// <summary>Given keys with the beginnings of their values; keys that did not exist are left out.</summary>
    /// <exception cref="RefusedException">The revision is not kept.</exception>
    public Task<List<SeenKey>> PickAsync(long revision, byte[][] keys, int preview, CancellationToken gone) =>
        browser.ListAsync<SeenKey>(PickSql, gone, revision, keys, preview);

    /// <summary>A key with its whole value; null if it did not exist.</summary>
    /// <exception cref="RefusedException">The revision is not kept.</exception>
    public Task<SeenKey?> KeyAsync(long revision, byte[] key, CancellationToken gone) =>
        browser.FirstAsync<SeenKey>(KeySql, gone, revision, key);
}

/// <summary>The marks of the store: its revision, the compaction mark, and the oldest revision whose state is known.</summary>
public sealed record StoreMarks(long Revision, long CompactRevision, long OldestRevision);

/// <summary>A key, or a prefix with the number of keys below it.</summary>
/// <param name="Keys">1 for a key.</param>
/// <param name="IsExact">Whether all keys were counted; at past revisions counting stops early.</param>
public sealed record LevelEntry(byte[] Entry, bool IsKey, long Keys, bool IsExact);

/// <summary>A key at a moment.</summary>
/// <param name="Value">The value, or its beginning.</param>
/// <param name="Size">Bytes of the whole value.</param>
public sealed record SeenKey(byte[] Key, byte[] Value, int Size, long CreateRevision, long ModRevision, long Version, long Lease);
