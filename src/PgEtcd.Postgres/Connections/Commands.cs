using System.Data.Common;
using Dapper;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>Runs commands. Each method disposes of its command.</summary>
/// <remarks>Without a function that reads a row, Dapper reads it: columns go to the constructor of a record, in its order and by their
/// names (<c>in_use</c> is <c>InUse</c>), or to a tuple by position.</remarks>
internal static class Commands
{
    static Commands() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    /// <summary>Lifts the time limit: the time depends on the number of rows.</summary>
    public static NpgsqlCommand WithoutLimit(this NpgsqlCommand command)
    {
        command.CommandTimeout = 0;
        return command;
    }

    /// <summary>All rows.</summary>
    public static async Task<List<T>> ListAsync<T>(
        this NpgsqlCommand command, Func<NpgsqlDataReader, T> convert, CancellationToken cancellationToken)
    {
        List<T> rows = [];
        await command.EachAsync(reader => rows.Add(convert(reader)), cancellationToken);
        return rows;
    }

    /// <inheritdoc cref="ListAsync{T}(NpgsqlCommand, Func{NpgsqlDataReader, T}, CancellationToken)"/>
    public static async Task<List<T>> ListAsync<T>(this NpgsqlCommand command, CancellationToken cancellationToken)
    {
        List<T> rows = [];
        await command.EachAsync<T>(rows.Add, cancellationToken);
        return rows;
    }

    /// <summary>The first row; the default of <typeparamref name="T"/> if there is none.</summary>
    public static async Task<T?> FirstAsync<T>(
        this NpgsqlCommand command, Func<NpgsqlDataReader, T> convert, CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? convert(reader) : default;
        }
    }

    /// <inheritdoc cref="FirstAsync{T}(NpgsqlCommand, Func{NpgsqlDataReader, T}, CancellationToken)"/>
    public static Task<T?> FirstAsync<T>(this NpgsqlCommand command, CancellationToken cancellationToken) =>
        command.FirstAsync(static reader => (T)reader.GetRowParser(typeof(T))(reader), cancellationToken);

    /// <summary>Reads row by row and keeps none.</summary>
    public static async Task EachAsync(this NpgsqlCommand command, Action<NpgsqlDataReader> take, CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            try
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    take(reader);
                }
            }
            catch (Exception exception) when (exception is not DbException and not OperationCanceledException)
            {
                command.Cancel(); // otherwise the rest of the rows would be read and discarded
                throw;
            }
        }
    }

    /// <inheritdoc cref="EachAsync(NpgsqlCommand, Action{NpgsqlDataReader}, CancellationToken)"/>
    public static Task EachAsync<T>(this NpgsqlCommand command, Action<T> take, CancellationToken cancellationToken)
    {
        // Not GetRowParser<T>, which fails for a single text or bytes.
        Func<DbDataReader, object>? parse = null;
        return command.EachAsync(reader => take((T)(parse ??= reader.GetRowParser(typeof(T)))(reader)), cancellationToken);
    }

    /// <summary>The first column of the first row; null if there is none.</summary>
    public static async Task<object?> ScalarAsync(this NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using (command)
        {
            return await command.ExecuteScalarAsync(cancellationToken);
        }
    }

    /// <summary>Runs a command without rows and returns the number of rows that it changed.</summary>
    public static async Task<int> RunAsync(this NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using (command)
        {
            return await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Adds a statement to a batch.</summary>
    public static void Add(this NpgsqlBatch batch, SchemaName schema, string sql, params ReadOnlySpan<SqlValue> values)
    {
        NpgsqlBatchCommand command = new(schema.Apply(sql));
        SqlValue.Add(command.Parameters, values);
        batch.BatchCommands.Add(command);
    }

    /// <summary>Bytes that may be null.</summary>
    public static byte[]? BytesOrNull(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);
}
