namespace PgEtcd.Postgres.Browsing;

/// <summary>Queries changes: keys, times and authors.</summary>
public sealed class ChangeBrowser(Browser browser)
{
    private const string Columns = """
        h.key, h.mod_revision, h.sub, h.change, octet_length(h.value) as size, h.version, h.lease, h.committed_at,
        h.username, h.client, h.request, h.frontend, h.archived
        """;

    private const string OfKeySql = $"""
        select {Columns} from pgetcd.key_history($1) h where h.mod_revision <= $2
        order by h.mod_revision desc, h.sub desc limit $3
        """;

    private const string OfRevisionsSql = $"""
        select {Columns} from pgetcd.history h where h.mod_revision = any ($1) order by h.mod_revision, h.sub limit $2
        """;

    private const string OriginsSql = """
        select o.* from pg_catalog.unnest($1) wanted (revision) cross join lateral (
            select h.mod_revision as revision, h.committed_at, h.username, h.client, h.request from pgetcd.history h
            where h.mod_revision = wanted.revision and ($2 or not h.archived) limit 1) o
        """;

    private const string ChangesSql = $"select {Columns} from pgetcd.changes($1, $2, $3, $4, $5, $6, $7, $8, $9) h";

    private const string SinceSql = $"""
        select {Columns} from pgetcd.history h
        where not h.archived and h.mod_revision > $1 and h.mod_revision <= $2
            and substr(h.key, 1, octet_length($3::bytea)) = $3::bytea
        order by h.mod_revision, h.sub limit $4
        """;

    private const string DifferencesSql = $"""
        select d.key, d.change, d.old_value, d.old_mod_revision, d.new_value, d.new_mod_revision
        from pgetcd.difference_page($1, $2, $3, $4, $5, case when $6 then 'infinity' else clock_timestamp() + {PastBrowser.Patience} end) d
        """;

    private const string CountSql = $"""
        select d.change, d.keys, d.is_exact
        from pgetcd.count_differences($1, $2, $3, {PastBrowser.CountTo}, clock_timestamp() + {PastBrowser.Patience}) d
        """;

    /// <summary>The last changes of a key up to a revision, newest first.</summary>
    public Task<List<SeenChange>> OfKeyAsync(byte[] key, long upTo, int most, CancellationToken gone) =>
        browser.ListAsync<SeenChange>(OfKeySql, gone, key, upTo, most);

    /// <summary>All changes of some revisions, oldest first.</summary>
    public Task<List<SeenChange>> OfRevisionsAsync(long[] revisions, int most, CancellationToken gone) =>
        browser.ListAsync<SeenChange>(OfRevisionsSql, gone, revisions, most);

    /// <summary>Times and authors of revisions.</summary>
    /// <param name="revisions">The revisions.</param>
    /// <param name="isArchivedToo">Whether they may be in the archive.</param>
    public Task<List<SeenOrigin>> OriginsAsync(long[] revisions, bool isArchivedToo, CancellationToken gone) =>
        browser.ListAsync<SeenOrigin>(OriginsSql, gone, revisions, isArchivedToo);

    /// <summary>A page of the audit, newest first.</summary>
    public Task<List<SeenChange>> ChangesAsync(ChangeFilter filter, int most, CancellationToken gone) =>
        browser.ListAsync<SeenChange>(
            ChangesSql, gone, filter.Prefix, filter.User, filter.Client, filter.Request, filter.Since, filter.Until,
            filter.BeforeRevision ?? long.MaxValue, filter.BeforeSub ?? int.MaxValue, most);

    /// <summary>Changes after a revision up to another, oldest first.</summary>
    public Task<List<SeenChange>> SinceAsync(long after, long upTo, byte[] prefix, int most, CancellationToken gone) =>
        browser.ListAsync<SeenChange>(SinceSql, gone, after, upTo, prefix, most);

    /// <summary>Keys with a prefix that differ between two revisions, from a first key on.</summary>
    /// <param name="from">The earlier revision.</param>
    /// <param name="to">The later one.</param>
    /// <param name="prefix">The prefix of the keys.</param>
    /// <param name="first">The first key.</param>
    /// <param name="most">Most keys.</param>
    /// <param name="isWhole">Whether every page but the last must be full, however long that takes.</param>
    /// <exception cref="RefusedException">A revision is not kept, or the query takes too long.</exception>
    public async Task<Page<SeenDifference>> DifferencesAsync(
        long from, long to, byte[] prefix, byte[] first, int most, bool isWhole, CancellationToken gone) =>
        Page.Of(
            await browser.ListAsync<SeenDifference>(DifferencesSql, gone, from, to, prefix, first, most + 1, isWhole),
            most, static key => key.Key, static key => key.Change is null);

    /// <summary>The number of keys that differ, by the kind of change. If there are many, only the first are counted.</summary>
    public Task<List<DifferenceCount>> CountDifferencesAsync(long from, long to, byte[] prefix, CancellationToken gone) =>
        browser.ListAsync<DifferenceCount>(CountSql, gone, from, to, prefix);
}

/// <summary>A change of a key.</summary>
/// <param name="Size">Bytes of the new value; null for a delete.</param>
/// <param name="Archived">Whether the change is compacted, and readable only in SQL.</param>
public sealed record SeenChange(
    byte[] Key, long ModRevision, int Sub, string Change, int? Size, long Version, long Lease, DateTime CommittedAt,
    string? Username, string? Client, string? Request, string Frontend, bool Archived);

/// <summary>The time and the author of a revision.</summary>
public sealed record SeenOrigin(long Revision, DateTime CommittedAt, string? Username, string? Client, string? Request);

/// <summary>A key that differs between two moments.</summary>
/// <param name="Change">create, update, or delete.</param>
public sealed record SeenDifference(
    byte[] Key, string Change, byte[]? OldValue, long? OldModRevision, byte[]? NewValue, long? NewModRevision);

/// <summary>The number of keys that differ in one way.</summary>
/// <param name="Change">create, update, or delete.</param>
/// <param name="IsExact">Whether all were counted.</param>
public sealed record DifferenceCount(string Change, long Keys, bool IsExact);

/// <summary>Selects changes; null selects any.</summary>
public sealed record ChangeFilter
{
    /// <summary>The beginning of the key.</summary>
    public byte[] Prefix { get; init; } = [];

    /// <summary>An etcd user or SQL role.</summary>
    public string? User { get; init; }

    /// <summary>A part of the client's address.</summary>
    public string? Client { get; init; }

    /// <summary>Put, DeleteRange, Txn, LeaseRevoke, or an SQL function.</summary>
    public string? Request { get; init; }

    /// <summary>The first moment.</summary>
    public DateTime? Since { get; init; }

    /// <summary>The moment after the last one.</summary>
    public DateTime? Until { get; init; }

    /// <summary>The revision of the previous page's last change.</summary>
    public long? BeforeRevision { get; init; }

    /// <summary>The sub revision of that change.</summary>
    public int? BeforeSub { get; init; }
}
