using System.Data;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>A transaction whose statements all see the same snapshot.</summary>
/// <remarks>The transaction holds back vacuum until the snapshot is disposed of.</remarks>
/// <param name="database">The database.</param>
/// <param name="connection">A connection of the snapshot's own.</param>
/// <param name="transaction">Its transaction.</param>
public sealed class Snapshot(Database database, NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
{
    internal NpgsqlConnection Connection => connection;

    internal SchemaName Schema => database.Schema;

    /// <summary>Begins a snapshot.</summary>
    /// <param name="database">The database.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <param name="settings">Statements before the first query; empty for none.</param>
    /// <param name="exported">The snapshot of another transaction, which must last longer than this one (<see cref="ExportAsync"/>); null
    /// for a new one.</param>
    internal static async Task<Snapshot> OpenAsync(
        Database database, CancellationToken cancellationToken, string settings = "", string? exported = null)
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

    /// <summary>Begins a snapshot for an object that will dispose of it.</summary>
    /// <param name="database">The database.</param>
    /// <param name="settings">Statements before the first query.</param>
    /// <param name="make">Makes the object; if that fails, the snapshot ends.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    internal static async Task<T> OpenForAsync<T>(
        Database database, string settings, Func<Snapshot, Task<T>> make, CancellationToken cancellationToken)
    {
        Snapshot snapshot = await OpenAsync(database, cancellationToken, settings);
        try
        {
            return await make(snapshot);
        }
        catch
        {
            await snapshot.DisposeAsync();
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
    internal NpgsqlCommand Command(string sql, params ReadOnlySpan<SqlValue> values) => database.Command(connection, sql, values);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
