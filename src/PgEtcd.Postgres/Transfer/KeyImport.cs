using Npgsql;
using NpgsqlTypes;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Migrations;

namespace PgEtcd.Postgres.Transfer;

/// <summary>Imports many keys into a store, which may be in use, in one transaction: all of them or none.</summary>
/// <remarks>Keys are copied to a table of the session; the append lock is taken only to move them from there into the log.</remarks>
public static class KeyImport
{
    /// <summary>Most bytes of a key and its value together, the default of <c>--max-request-bytes</c>.</summary>
    public const int MostBytes = 1_572_864;

    /// <summary>Keys in one revision: the limit of a transaction of etcd.</summary>
    private const int KeysPerRevision = 128;

    private const string BeginSql = """
        set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
        create temporary table imported_keys (key bytea not null, value bytea not null) on commit drop
        """;

    private const string CopySql = "copy imported_keys (key, value) from stdin (format binary)";

    private const string RepeatedSql = """
        analyze imported_keys;
        select i.key from imported_keys i group by i.key having count(*) > 1 order by i.key limit 1
        """;

    private const string EnterSql = "select e.head, e.now_at from pgetcd.enter_log(true) e";

    private const string Before = """
        left join lateral (
            select r.create_revision, r.version, r.tombstone from pgetcd.revisions r
            where substr(r.key, 1, 1024) = substr(i.key, 1, 1024) and r.key = i.key
            order by r.revision desc, r.sub desc limit 1) b on not b.tombstone
        """;

    private const string ExistingSql = $"select i.key from imported_keys i {Before} where b.version is not null order by i.key limit 1";

    private const string InsertSql = $"""
        insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
        select n.revision, n.sub, n.key, n.value, coalesce(n.create_revision, n.revision), coalesce(n.version, 0) + 1, 0, $2,
            session_user, pgetcd.sql_client('import'), pgetcd.sql_frontend()
        from (
            select $1 + 1 + (row_number() over w - 1) / $3 as revision, ((row_number() over w - 1) % $3)::integer as sub,
                i.key, i.value, b.create_revision, b.version
            from imported_keys i {Before} window w as (order by i.key)) n
        """;

    private const string EndSql = "select setval('pgetcd.revision_seq', $1, true), pg_notify('pgetcd', pgetcd.sql_frontend())";

    /// <summary>Runs the import.</summary>
    /// <param name="database">The store.</param>
    /// <param name="migrator">Creates the schema in the same transaction, so that a refused import leaves none.</param>
    /// <param name="keys">Keys, each once, and values.</param>
    /// <param name="mayReplace">Whether existing keys are overwritten; otherwise the import is refused if a key exists.</param>
    /// <param name="report">Called with the number of keys so far.</param>
    public static async Task<KeyImportResult> RunAsync(
        Database database, Migrator migrator, IAsyncEnumerable<(byte[] Key, byte[] Value)> keys, bool mayReplace, Action<long> report,
        CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await migrator.MigrateAsync(connection, cancellationToken);
        await Run(BeginSql).RunAsync(cancellationToken);
        long count = 0;
        await using (NpgsqlBinaryImporter copy = await connection.BeginBinaryImportAsync(CopySql, cancellationToken))
        {
            copy.Timeout = TimeSpan.Zero;
            await foreach ((byte[] key, byte[] value) in keys)
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(key, NpgsqlDbType.Bytea, cancellationToken);
                await copy.WriteAsync(value, NpgsqlDbType.Bytea, cancellationToken);
                report(++count);
            }

            await copy.CompleteAsync(cancellationToken);
        }

        if (await Run(RepeatedSql).ScalarAsync(cancellationToken) is byte[] repeated)
        {
            return new KeyImportResult(0, 0, 0, $"the key '{Printable.Text(repeated)}' is there twice");
        }

        if (count == 0)
        {
            await transaction.CommitAsync(cancellationToken);
            return new KeyImportResult(0, 0, 0, null);
        }

        (long head, DateTime now) = await Run(EnterSql).FirstAsync<(long, DateTime)>(cancellationToken);
        if (!mayReplace && await Run(ExistingSql).ScalarAsync(cancellationToken) is byte[] existing)
        {
            return new KeyImportResult(0, 0, 0, $"the key '{Printable.Text(existing)}' exists already");
        }

        await Run(InsertSql, head, now, (long)KeysPerRevision).RunAsync(cancellationToken);
        long last = head + ((count + KeysPerRevision - 1) / KeysPerRevision);
        await Run(EndSql, last).RunAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new KeyImportResult(count, head + 1, last, null);

        NpgsqlCommand Run(string sql, params ReadOnlySpan<SqlValue> values) => database.Command(connection, sql, values).WithoutLimit();
    }
}

/// <summary>The result of an import of keys.</summary>
/// <param name="Keys">The number of keys.</param>
/// <param name="FirstRevision">The first revision of the import.</param>
/// <param name="LastRevision">The last revision of the import.</param>
/// <param name="Refusal">The reason why nothing was imported, or null.</param>
public sealed record KeyImportResult(long Keys, long FirstRevision, long LastRevision, string? Refusal);
