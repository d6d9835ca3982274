using Npgsql;
using NpgsqlTypes;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Migrations;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.Transfer;

/// <summary>Fills an empty schema with a whole history, in one transaction under the append lock: a frontend sees all of it or nothing,
/// however the import ends.</summary>
/// <param name="database">The target.</param>
/// <param name="connection">A connection of the import's own.</param>
/// <param name="transaction">Its transaction.</param>
/// <param name="now">The time of all rows.</param>
/// <param name="copy">Takes the rows.</param>
public sealed class LogImport(
    Database database, NpgsqlConnection connection, NpgsqlTransaction transaction, DateTime now, NpgsqlBinaryImporter copy)
    : IAsyncDisposable
{
    /// <summary>The name of the frontend in imported rows.</summary>
    private const string Source = "import";

    /// <summary>Time limit of a step of the COPY, which a checkpoint may hold up.</summary>
    private static readonly TimeSpan StepLimit = TimeSpan.FromMinutes(10);

    private const string EnterSql = """
        set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
        select pgetcd.lock_log();
        """;

    private const string IsEmptySql = """
        select not exists (select from pgetcd.revisions) and not exists (select from pgetcd.revisions_archive)
            and not exists (select from pgetcd.leases)
            and not exists (select from pgetcd.auth_users) and not exists (select from pgetcd.auth_roles)
            and c.compact_revision < 0 and c.base_revision <= 1,
            clock_timestamp()
        from pgetcd.cluster c
        """;

    private const string CopySql = """
        copy pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
        from stdin (format binary)
        """;

    // Removal has nothing to do below the mark, because only rows that it would leave are imported. The marks also tell a running
    // frontend that it must load the state anew.
    private const string MarksSql = """
        with moved as (update pgetcd.cluster set base_revision = $1, compact_revision = $2)
        update pgetcd.removal set finished_revision = $2, attended_revision = $2, walked_revision = greatest(0, $2), walked_sub = -1,
            kept_revision = greatest(0, $2)
        """;

    private const string LeasesSql = """
        insert into pgetcd.leases (id, ttl, expires_at, grant_token)
        select l.id, l.ttl, clock_timestamp() + pg_catalog.make_interval(secs => l.ttl), gen_random_uuid()
        from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as l (id, ttl)
        """;

    private const string AnalyzeSql = "analyze pgetcd.revisions";

    // The first leading frontend, however late, gives the leases their full TTL, like an etcd that starts.
    private const string CommitSql = """
        with due as (update pgetcd.leader set renew_after = '-infinity')
        select pg_notify('pgetcd', base_revision::text) from pgetcd.cluster
        """;

    /// <summary>Begins an import.</summary>
    /// <param name="database">The target.</param>
    /// <param name="migrator">Creates the schema in the import's transaction, so that a refused import leaves none; null if the schema
    /// exists.</param>
    /// <param name="cancellationToken">Abandons the import.</param>
    /// <returns>Null if the schema is not empty: it has, or had, keys, leases or a compaction.</returns>
    public static async Task<LogImport?> BeginAsync(Database database, Migrator? migrator, CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        try
        {
            NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
            if (migrator is not null)
            {
                await migrator.MigrateAsync(connection, cancellationToken);
            }

            await database.Command(connection, EnterSql).WithoutLimit().RunAsync(cancellationToken);
            (bool isEmpty, DateTime now) = await database.Command(connection, IsEmptySql).FirstAsync<(bool, DateTime)>(cancellationToken);
            if (!isEmpty)
            {
                await connection.DisposeAsync();
                return null;
            }

            NpgsqlBinaryImporter copy = await connection.BeginBinaryImportAsync(database.Schema.Apply(CopySql), cancellationToken);
            copy.Timeout = StepLimit;
            return new LogImport(database, connection, transaction, now, copy);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds the next row, in order of revision and sub. Compacted rows are added only if removal would leave them.</summary>
    public async ValueTask AddAsync(
        long revision, int sub, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value, long createRevision, long version, long lease,
        CancellationToken cancellationToken)
    {
        await copy.StartRowAsync(cancellationToken);
        await copy.WriteAsync(revision, NpgsqlDbType.Bigint, cancellationToken);
        await copy.WriteAsync(sub, NpgsqlDbType.Integer, cancellationToken);
        await copy.WriteAsync(key, NpgsqlDbType.Bytea, cancellationToken);
        if (value is { } bytes)
        {
            await copy.WriteAsync(bytes, NpgsqlDbType.Bytea, cancellationToken);
        }
        else
        {
            await copy.WriteNullAsync(cancellationToken);
        }

        await copy.WriteAsync(createRevision, NpgsqlDbType.Bigint, cancellationToken);
        await copy.WriteAsync(version, NpgsqlDbType.Bigint, cancellationToken);
        await copy.WriteAsync(lease, NpgsqlDbType.Bigint, cancellationToken);
        await copy.WriteAsync(now, NpgsqlDbType.TimestampTz, cancellationToken);
        await copy.WriteAsync(Source, NpgsqlDbType.Text, cancellationToken);
    }

    /// <inheritdoc cref="AddAsync(long, int, ReadOnlyMemory{byte}, ReadOnlyMemory{byte}?, long, long, long, CancellationToken)"/>
    internal ValueTask AddAsync(in LogRow row, CancellationToken cancellationToken) => AddAsync(
        row.Revision, row.Sub, row.Key, row.Value is { } value ? value : default(ReadOnlyMemory<byte>?),
        row.CreateRevision, row.Version, row.Lease, cancellationToken);

    /// <summary>Ends the rows and adds marks, leases and auth. Nothing is committed yet.</summary>
    /// <param name="revision">The revision of the store, which may be above its last row.</param>
    /// <param name="compactRevision">The compaction mark; -1 if never compacted.</param>
    /// <param name="leases">Ids, each once, and seconds.</param>
    /// <param name="auth">Users and roles; null for none.</param>
    public async Task FinishAsync(
        long revision, long compactRevision, IReadOnlyCollection<(long Id, long Ttl)> leases, AuthRecords? auth,
        CancellationToken cancellationToken)
    {
        await copy.CompleteAsync(cancellationToken);
        await copy.DisposeAsync();
        await ExecuteAsync(MarksSql, cancellationToken, revision, compactRevision);
        await ExecuteAsync(
            LeasesSql, cancellationToken, (long[])[.. leases.Select(lease => lease.Id)], (long[])[.. leases.Select(lease => lease.Ttl)]);
        if (auth is not null)
        {
            await AuthImport.ReplaceAsync(transaction, database.Schema, auth, cancellationToken);
        }

        await ExecuteAsync(AnalyzeSql, cancellationToken);
    }

    /// <summary>HashKV of the resulting store, from the rows.</summary>
    /// <param name="row">Called for each row.</param>
    public async Task<uint> HashAsync(Action row, CancellationToken cancellationToken) =>
        (await new HashReader(database).HashKeysAsync(connection, revision: 0, row, cancellationToken)).Hashed.Hash;

    /// <summary>Commits, and wakes the running frontends.</summary>
    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(CommitSql, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Undoes everything that was not committed.</summary>
    public async ValueTask DisposeAsync()
    {
        await copy.DisposeAsync();
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params ReadOnlySpan<SqlValue> values) =>
        database.Command(connection, sql, values).WithoutLimit().RunAsync(cancellationToken);
}
