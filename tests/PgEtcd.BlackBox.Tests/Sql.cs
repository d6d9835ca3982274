using Npgsql;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Changes to the database behind the server's back.</summary>
internal static class Sql
{
    /// <summary>Makes every session refuse writes with SQLSTATE 25006, like a demoted primary.</summary>
    public static async Task ReadOnlyAsync(PostgresServer server, bool on)
    {
        await ExecuteAsync(server.ConnectionString(), $"alter system set default_transaction_read_only = {(on ? "on" : "off")}");
        await ExecuteAsync(server.ConnectionString(), "select pg_reload_conf()");
        // A new session has the setting once the postmaster has notified all old ones.
        await Eventually.TrueAsync(
            async () => (string?)await ExecuteAsync(server.ConnectionString(), "show default_transaction_read_only") == (on ? "on" : "off"),
            "PostgreSQL has read the setting");
    }

    public static async Task<object?> ExecuteAsync(string database, string sql)
    {
        await using NpgsqlConnection connection = new(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
