using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Migrations;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;

namespace PgEtcd.Postgres.Tests;

/// <summary>A migrated schema in its own database, with operations of tests on a log.</summary>
internal sealed class LogFixture : IAsyncDisposable
{
    private LogFixture(string connectionString, string schema)
    {
        ConnectionString = connectionString;
        Database = Open(schema);
        Log = new RevisionLog(Database, "here");
    }

    public string ConnectionString { get; }

    public Database Database { get; }

    public RevisionLog Log { get; }

    public static async Task<LogFixture> CreateAsync(PostgresFixture postgres, string schema = "pgetcd")
    {
        LogFixture fixture = new(await postgres.CreateDatabaseAsync(), schema);
        await Migrator(fixture.Database).MigrateAsync(CancellationToken.None);
        return fixture;
    }

    public static Migrator Migrator(Database database) => new(database, NullLogger<Migrator>.Instance);

    public Database Open(string schema) => new(ConnectionString, new SchemaName(schema), NullLoggerFactory.Instance);

    /// <summary>Writes one revision for each put: key=value.</summary>
    public static AppendBatch Puts(long expected, params string[] puts)
    {
        AppendBatch batch = new(LogPosition.Empty with { Revision = expected });
        for (int i = 0; i < puts.Length; i++)
        {
            string[] put = puts[i].Split('=');
            batch.Add(Put(put[0], put[1], expected + 1 + i), "user", "client");
        }

        return batch;
    }

    public static KvEvent Put(string key, string value, long revision, int sub = 0, long lease = 0) =>
        Put(Bytes(key), Bytes(value), revision, sub, lease);

    public static KvEvent Put(byte[] key, byte[] value, long revision, int sub = 0, long lease = 0) =>
        new(key, new KeyRecord(key, value, revision, revision, sub, 1, lease), null, revision, sub);

    public static KvEvent Delete(string key, long revision, int sub = 0) => new(Bytes(key), null, null, revision, sub);

    public static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    public Task<AppendResult> AppendAsync(AppendBatch batch, List<LogRow>? missed = null) =>
        Log.AppendAsync(batch, row => missed?.Add(row), CancellationToken.None);

    public static AppendResult Appended(long revision) =>
        new(AppendOutcome.Appended, LogPosition.Empty with { Revision = revision }, []);

    public async Task<List<T>> QueryAsync<T>(string sql)
    {
        await using NpgsqlConnection connection = await Database.OpenAsync(CancellationToken.None);
        return [.. await connection.QueryAsync<T>(Database.Schema.Apply(sql))];
    }

    /// <summary>Waits until a session waits for the append lock.</summary>
    public async Task<LockHolder> LockHolderAsync()
    {
        LockHolder? found = null;
        AppendLockTable table = new(Database);
        await Testing.Eventually.TrueAsync(
            async () => (found = await table.HolderAsync(CancellationToken.None)) is not null, "a session waits for the append lock");
        return found!;
    }

    public ValueTask DisposeAsync() => Database.DisposeAsync();
}
