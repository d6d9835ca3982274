using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.History;

/// <summary>Calls the functions of docs/sql.md about the past, all in one snapshot.</summary>
public sealed class PastQueries : IAsyncDisposable
{
    /// <summary>The beginning of the SQLSTATEs with which these functions refuse a revision that is compacted or in the future.</summary>
    public const string RefusalState = "PE";

    private const string SettingsSql = """
        set transaction read only; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0
        """;

    private const string StatusSql = "select s.revision, s.oldest_revision from pgetcd.status s";
    private const string RevisionAgoSql = "select pgetcd.revision_at(clock_timestamp() - $1)";
    private const string RevisionAtSql = "select pgetcd.revision_at($1::timestamptz)";

    private const string HistoryColumns = """
        h.key, h.mod_revision, h.sub, h.change, h.value, h.create_revision, h.version, h.lease, h.prev_mod_revision, h.committed_at,
        h.username, h.client, h.request, h.frontend, h.archived
        """;

    private const string KeyHistorySql = $"select {HistoryColumns} from pgetcd.key_history($1) h";
    private const string PrefixHistorySql = $"select {HistoryColumns} from pgetcd.prefix_history($1) h";

    private const string StateSql = """
        select s.key, s.value, s.create_revision, s.mod_revision, s.version, s.lease from pgetcd.prefix_at($1, $2) s
        """;

    private const string DifferencesSql = """
        select d.key, d.change, d.old_value, d.old_mod_revision, d.new_value, d.new_mod_revision
        from pgetcd.diff($1, $2, $3) d
        """;

    private const string RestoreColumns =
        "p.key, p.change, p.old_value, p.old_mod_revision, p.new_value, p.new_mod_revision, p.lease, p.lost_lease";

    private const string RestoreKeySql = $"select {RestoreColumns} from pgetcd.plan_restore_key($1, $2) p";
    private const string RestorePrefixSql = $"select {RestoreColumns} from pgetcd.plan_restore_prefix($1, $2) p";

    // All changes after a revision, including those in the archive, to which compaction moves rows meanwhile.
    private const string LaterKeySql = $"""
        select {HistoryColumns} from pgetcd.history h
        where h.mod_revision > $2 and substr(h.key, 1, 1024) = substr($1, 1, 1024) and h.key = $1 order by h.mod_revision, h.sub
        """;

    private const string LaterPrefixSql = $"""
        select {HistoryColumns} from pgetcd.history h
        where h.mod_revision > $2 and substr(h.key, 1, octet_length($1)) = $1 order by h.mod_revision, h.sub
        """;

    private readonly Snapshot _snapshot;

    private PastQueries(Snapshot snapshot) => _snapshot = snapshot;

    /// <summary>Opens the snapshot.</summary>
    public static async Task<PastQueries> OpenAsync(Database database, CancellationToken cancellationToken) =>
        new(await Snapshot.OpenAsync(database, cancellationToken, SettingsSql));

    /// <summary>The current revision, and the first whose state is known.</summary>
    public Task<(long Revision, long Oldest)> StatusAsync(CancellationToken cancellationToken) =>
        Command(StatusSql).FirstAsync<(long, long)>(cancellationToken);

    /// <summary>The last revision at a time before now.</summary>
    public async Task<long> RevisionAsync(TimeSpan ago, CancellationToken cancellationToken) =>
        (long)(await Command(RevisionAgoSql, ago).ScalarAsync(cancellationToken))!;

    /// <summary>The last revision at a time in PostgreSQL's notation.</summary>
    public async Task<long> RevisionAsync(string time, CancellationToken cancellationToken) =>
        (long)(await Command(RevisionAtSql, time).ScalarAsync(cancellationToken))!;

    /// <summary>All known changes of a key, oldest first.</summary>
    public Task KeyHistoryAsync(byte[] key, Action<HistoryRow> take, CancellationToken cancellationToken) =>
        Command(KeyHistorySql, key).EachAsync(take, cancellationToken);

    /// <summary>All known changes of the keys with a prefix, oldest first.</summary>
    public Task PrefixHistoryAsync(byte[] prefix, Action<HistoryRow> take, CancellationToken cancellationToken) =>
        Command(PrefixHistorySql, prefix).EachAsync(take, cancellationToken);

    /// <summary>All changes after a revision of a key, or of all keys with a prefix, oldest first.</summary>
    public Task LaterAsync(byte[] key, bool isPrefix, long after, Action<HistoryRow> take, CancellationToken cancellationToken) =>
        Command(isPrefix ? LaterPrefixSql : LaterKeySql, key, after).EachAsync(take, cancellationToken);

    /// <summary>The changes that a restore would make.</summary>
    public Task RestorePlanAsync(Restore restore, Action<RestoreRow> take, CancellationToken cancellationToken) =>
        Command(restore.IsPrefix ? RestorePrefixSql : RestoreKeySql, restore.Key, restore.Revision).EachAsync(take, cancellationToken);

    /// <summary>The keys with a prefix at a revision.</summary>
    public Task StateAsync(long revision, byte[] prefix, Action<StateRow> take, CancellationToken cancellationToken) =>
        Command(StateSql, revision, prefix).EachAsync(take, cancellationToken);

    /// <summary>The keys with a prefix that differ between two revisions.</summary>
    public Task DifferencesAsync(long from, long to, byte[] prefix, Action<DifferenceRow> take, CancellationToken cancellationToken) =>
        Command(DifferencesSql, from, to, prefix).EachAsync(take, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _snapshot.DisposeAsync();

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<SqlValue> values) => _snapshot.Command(sql, values).WithoutLimit();
}
