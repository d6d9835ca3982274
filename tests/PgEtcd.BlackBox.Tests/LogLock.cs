using Npgsql;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Holds the append lock so that no write succeeds, which simulates a slow database.</summary>
internal sealed class LogLock : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;

    private LogLock(NpgsqlConnection connection) => _connection = connection;

    public static async Task<LogLock> TakeAsync(string database)
    {
        NpgsqlConnection connection = new(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new("begin isolation level read committed; select pgetcd.lock_log()", connection);
        await command.ExecuteNonQueryAsync();
        return new LogLock(connection);
    }

    /// <summary>Waits until a session waits for the lock.</summary>
    public static Task AwaitedAsync(string database) => Testing.Eventually.TrueAsync(
        async () => (long)(await Sql.ExecuteAsync(
            database, "select count(*) from pg_locks where relation = 'pgetcd.append_lock'::regclass and not granted"))! > 0,
        "a write waits for the lock");

    /// <summary>Releases the lock.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
