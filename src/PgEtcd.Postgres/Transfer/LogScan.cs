using System.Runtime.CompilerServices;
using Npgsql;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.Transfer;

/// <summary>A whole store at one moment: the log as etcd would hold it after its compaction, row by row, and the leases. Reading it again
/// gives the same result.</summary>
/// <remarks>The transaction holds back vacuum until the scan is disposed of.</remarks>
/// <param name="snapshot">The transaction.</param>
/// <param name="position">The position of the log at that moment.</param>
/// <param name="prefix">The prefix of the keys at a past revision; null for the store as it is now.</param>
public sealed class LogScan(Snapshot snapshot, LogPosition position, byte[]? prefix = null) : IAsyncDisposable
{
    // etcd keeps (semantics.md §6) all rows above the mark and, below it, the newest row of each key if it is a put or a tombstone at
    // the mark itself. Removal may not have reached the mark yet.
    private const string Present = """
        from pgetcd.revisions r
        where r.revision > $1 or ((r.value is not null or r.revision = $1) and not exists (
            select from pgetcd.revisions n
            where substr(n.key, 1, 1024) = substr(r.key, 1, 1024) and n.key = r.key
                and (n.revision, n.sub) > (r.revision, r.sub) and n.revision <= $1))
        order by r.revision, r.sub
        """;

    private const string Rows = "select r.revision, r.sub, r.key, r.value, r.create_revision, r.version, r.lease";

    private const string Lengths =
        "select r.revision, r.sub, octet_length(r.key), octet_length(r.value), r.create_revision, r.version, r.lease";

    private const string LeasesSql = "select id, ttl from pgetcd.leases";

    // Rows come in the order of an index and each row's key is looked up, so that the first row comes at once and nothing is held or
    // sorted on disk. A slow reader is no reason to end the transaction.
    private const string SettingsSql = """
        set local enable_sort = off; set local enable_bitmapscan = off; set local enable_seqscan = off;
        set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off;
        set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0
        """;

    private const string Then = """
        from (
            select s.mod_revision as revision, s.sub, s.key, s.value, s.create_revision, s.version, coalesce(l.id, 0) as lease
            from pgetcd.prefix_at($1, $2) s left join pgetcd.leases l on l.id = s.lease) r
        order by r.revision, r.sub
        """;

    private const string ThenLeasesSql = """
        select l.id, l.ttl from pgetcd.leases l where l.id in (select s.lease from pgetcd.prefix_at($1, $2) s)
        """;

    private const string ThenSettingsSql = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";

    /// <summary>The position of the log at that moment.</summary>
    public LogPosition Position => position;

    /// <summary>Begins a scan of the store as it is now.</summary>
    public static Task<LogScan> OpenAsync(Database database, CancellationToken cancellationToken) => Snapshot.OpenForAsync(
        database, SettingsSql,
        async snapshot => new LogScan(snapshot, await RevisionLog.PositionAsync(database, snapshot.Connection, cancellationToken)),
        cancellationToken);

    /// <summary>Begins a scan of the keys with a prefix at a revision: a store that was compacted there, without users and roles.
    /// Leases that no longer exist are left out.</summary>
    public static async Task<LogScan> OpenAsync(Database database, long revision, byte[] prefix, CancellationToken cancellationToken) =>
        new(
            await Snapshot.OpenAsync(database, cancellationToken, ThenSettingsSql),
            LogPosition.Empty with { Revision = revision, CompactRevision = revision },
            prefix);

    /// <summary>The rows, in order.</summary>
    public IAsyncEnumerable<LogRow> RowsAsync(CancellationToken cancellationToken) =>
        ReadAsync(Rows, static reader => LogRow.Read(reader), cancellationToken);

    /// <summary>The rows, in order, without keys and values, which are not fetched from disk.</summary>
    /// <returns>Each row with the bytes of its key and of its value; null for a tombstone.</returns>
    public IAsyncEnumerable<(LogRow Row, int KeyLength, int? ValueLength)> LengthsAsync(CancellationToken cancellationToken) => ReadAsync(
        Lengths,
        static reader => (
            new LogRow(reader.GetInt64(0), reader.GetInt32(1), [], null, reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6)),
            reader.GetInt32(2),
            reader.IsDBNull(3) ? null : (int?)reader.GetInt32(3)),
        cancellationToken);

    /// <summary>The leases: id and granted seconds, in no order.</summary>
    public Task<List<(long Id, long Ttl)>> LeasesAsync(CancellationToken cancellationToken) =>
        (prefix is null ? snapshot.Command(LeasesSql) : Command(ThenLeasesSql)).WithoutLimit().ListAsync<(long, long)>(cancellationToken);

    /// <summary>Users and roles.</summary>
    public Task<AuthRecords> AuthAsync(CancellationToken cancellationToken) =>
        prefix is null ? AuthTable.LoadAsync(snapshot, cancellationToken) : Task.FromResult(new AuthRecords());

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => snapshot.DisposeAsync();

    private NpgsqlCommand Command(string sql) => prefix is null
        ? snapshot.Command(sql, position.CompactRevision)
        : snapshot.Command(sql, position.Revision, prefix);

    private async IAsyncEnumerable<T> ReadAsync<T>(
        string columns, Func<NpgsqlDataReader, T> convert, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = Command($"{columns} {(prefix is null ? Present : Then)}").WithoutLimit();
        NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        bool atEnd = false;
        try
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                yield return convert(reader);
            }

            atEnd = true;
        }
        finally
        {
            try
            {
                if (!atEnd)
                {
                    command.Cancel(); // otherwise the rows that the consumer does not want would be read here
                }

                await reader.DisposeAsync();
            }
            catch (PostgresException cancelled) when (cancelled.SqlState == PostgresErrorCodes.QueryCanceled)
            {
                // The cancellation was requested.
            }
        }
    }
}
