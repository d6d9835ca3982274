using System.Data;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>A transaction whose statements all see the same snapshot.</summary>
/// <remarks>The transaction holds back vacuum until the snapshot is disposed of.</remarks>
public sealed class Snapshot : IAsyncDisposable
{
    private readonly Database _database;
    private readonly NpgsqlTransaction _transaction;

    private Snapshot(Database database, NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _database = database;
        _transaction = transaction;
        Connection = connection;
    }

    internal NpgsqlConnection Connection { get; }

    internal SchemaName Schema => _database.Schema;

    /// <summary>Begins a snapshot.</summary>
    /// <param name="database">The database.</param>
    /// <param name="settings">Statements before the first query; empty for none.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <param name="exported">The snapshot of another transaction, which must last longer than this one (<see cref="ExportAsync"/>); null
    /// for a new one.</param>
    internal static async Task<Snapshot> OpenAsync(
        Database database, string settings, CancellationToken cancellationToken, string? exported = null)
    {
        NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        try
        {
            NpgsqlTransaction transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            Snapshot snapshot = new(database, connection, transaction);
            if (exported is not null)
            {
                await snapshot.Command($"set transaction snapshot '{exported}'").RunAsync(cancellationToken);
            }

            if (settings.Length > 0)
            {
                await snapshot.Command(settings).RunAsync(cancellationToken);
            }

            return snapshot;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Exports the snapshot to other transactions.</summary>
    /// <returns>PostgreSQL's name of the snapshot.</returns>
    internal async Task<string> ExportAsync(CancellationToken cancellationToken) =>
        (string)(await Command("select pg_export_snapshot()").ScalarAsync(cancellationToken))!;

    /// <summary>A command in the snapshot.</summary>
    /// <param name="sql">SQL written for the default schema.</param>
    /// <param name="values">Its <c>$1</c>, <c>$2</c> …</param>
    internal NpgsqlCommand Command(string sql, params ReadOnlySpan<SqlValue> values) => _database.Command(Connection, sql, values);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await Connection.DisposeAsync();
    }
}
