using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>Runs commands. Each of these disposes of its command.</summary>
internal static class Commands
{
    /// <summary>Lifts the time limit: it takes as long as there are rows.</summary>
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

    /// <summary>The first row; the default of <typeparamref name="T"/> when there is none.</summary>
    public static async Task<T?> FirstAsync<T>(
        this NpgsqlCommand command, Func<NpgsqlDataReader, T> convert, CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? convert(reader) : default;
        }
    }

    /// <summary>Row after row, none of which is kept.</summary>
    public static async Task EachAsync(this NpgsqlCommand command, Action<NpgsqlDataReader> take, CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                take(reader);
            }
        }
    }

    /// <summary>The first column of the first row; null when there is none.</summary>
    public static async Task<object?> ScalarAsync(this NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using (command)
        {
            return await command.ExecuteScalarAsync(cancellationToken);
        }
    }

    /// <summary>No result but the number of rows that were changed.</summary>
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

    /// <summary>A text that may be null.</summary>
    public static string? TextOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <summary>Bytes that may be null.</summary>
    public static byte[]? BytesOrNull(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);
}
