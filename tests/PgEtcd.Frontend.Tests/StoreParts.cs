using System.Text;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PgEtcd.Frontend.Compaction;
using PgEtcd.Frontend.Leases;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Migrations;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;

namespace PgEtcd.Frontend.Tests;

/// <summary>The parts of one frontend, put together by hand and without a listener: its replica moves only on a call of a
/// test. Several on one database are several frontends.</summary>
internal sealed class StoreParts : IAsyncDisposable
{
    /// <summary>Longer than anything here takes; a test that waits this long hangs.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private StoreParts(Database database, RevisionLog log, LogPosition position, KeySpace keys, AuthStates auth, TimeSpan timeLimit)
    {
        Database = database;
        Log = log;
        Replica = new Replica(keys, position.AuthRevision, position.Alarms);
        Auth = auth;
        Tail = new Tail(log, Replica, auth, database, timeLimit, TimeProvider.System);
        Committer = new Committer(log, Replica, Tail, auth, database, timeLimit, TimeProvider.System);
        Past = new Past(new StateReader(database), Replica, Tail, database, timeLimit);
        Reader = new KeyReader(Replica, Tail, Past);
        Writer = new KeyWriter(Replica, Committer, Past);
        CompactionMark = new CompactionMark(Replica, Tail, log, database, timeLimit);
        Leases = new LeaseStore(new LeaseTable(database), database, Replica, Tail, Committer, timeLimit);
    }

    public Database Database { get; }

    public RevisionLog Log { get; }

    public Replica Replica { get; }

    public AuthStates Auth { get; }

    public Tail Tail { get; }

    public Committer Committer { get; }

    public Past Past { get; }

    public KeyReader Reader { get; }

    public KeyWriter Writer { get; }

    public CompactionMark CompactionMark { get; }

    public LeaseStore Leases { get; }

    public static async Task<StoreParts> CreateAsync(PostgresFixture postgres) => await OpenAsync(await postgres.CreateStoreAsync());

    /// <summary>A frontend on a database, migrated if need be, its state loaded.</summary>
    public static async Task<StoreParts> OpenAsync(string connectionString, string name = "test", TimeSpan? timeLimit = null)
    {
        Database database = new(connectionString, new SchemaName("pgetcd"), NullLoggerFactory.Instance);
        await new Migrator(database, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        (LogPosition position, KeySpace keys) = await new StateLoader(database).LoadAsync(null, CancellationToken.None);
        AuthStates auth = await AuthStates.StartAsync(new AuthTable(database), CancellationToken.None);
        return new StoreParts(database, new RevisionLog(database, name), position, keys, auth, timeLimit ?? TimeSpan.FromSeconds(7));
    }

    /// <summary>Another frontend on the same database.</summary>
    public Task<StoreParts> AnotherAsync(string name = "other") => OpenAsync(Database.ConnectionString.ConnectionString, name);

    /// <summary>Writes through the committer, with a limit to the patience.</summary>
    public Task<WriteAnswer> WriteAsync(Operation operation, IHistory? history = null) =>
        Committer.WriteAsync(operation, 100, history ?? Replica, new Origin(Caller.Server, "client")).WaitAsync(Patience);

    public static PutOperation Put(string key, string value, long lease = 0) =>
        new() { Key = Bytes(key), Value = Bytes(value), Lease = lease };

    public static DeleteRangeOperation Delete(string key, string end = "") => new() { Key = Bytes(key), RangeEnd = Bytes(end) };

    /// <summary>All keys of a state: key=value create/mod.sub vversion, and the lease if there is one.</summary>
    public static string[] Show(KeySpace keys) => [.. All(keys).Records.Select(Show)];

    public static string Show(KeyRecord record) =>
        $"{Text(record.Key)}={Text(record.Value)} {record.CreateRevision}/{record.ModRevision}.{record.Sub} v{record.Version}"
        + (record.Lease == 0 ? "" : $" l{record.Lease}");

    public static RangeResult All(KeySpace keys) =>
        keys.Range(new RangeOperation { Key = new byte[1], RangeEnd = new byte[1] }, keys.Revision);

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public async Task<List<T>> QueryAsync<T>(string sql)
    {
        await using NpgsqlConnection connection = await Database.OpenAsync(CancellationToken.None);
        return [.. await connection.QueryAsync<T>(sql)];
    }

    /// <summary>Makes every barrier and append wait until what is returned is disposed of.</summary>
    public async Task<IAsyncDisposable> HoldAsync()
    {
        NpgsqlConnection connection = await Database.OpenAsync(CancellationToken.None);
        await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("lock table pgetcd.cluster in access exclusive mode");
        return new Held(connection);
    }

    /// <summary>What the log says the state is.</summary>
    public async Task<string[]> StoredAsync() => Show((await new StateLoader(Database).LoadAsync(null, CancellationToken.None)).Keys);

    public ValueTask DisposeAsync()
    {
        Committer.Dispose();
        return Database.DisposeAsync();
    }

    private sealed class Held(NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await connection.ExecuteAsync("rollback");
            await connection.DisposeAsync();
        }
    }
}
