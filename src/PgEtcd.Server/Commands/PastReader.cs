using System.Data;
using System.Globalization;
using Npgsql;
using PgEtcd.Protocol;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Commands;

/// <summary>Asks the functions of docs/sql.md, all in one snapshot, and turns their refusals into sentences.</summary>
internal sealed class PastReader : IAsyncDisposable
{
    /// <summary>For the help of verbs that take a <see cref="RevisionAsync"/>.</summary>
    public const string MomentHelp =
        "A moment is a revision (42), a time as PostgreSQL reads it ('2026-02-01 12:00+00', yesterday), or how long ago (15m, 2h, 7d).";

    private const string SettingsSql = """
        set transaction read only; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0
        """;

    private readonly VerbDatabase _opened;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private PastReader(VerbDatabase opened, NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _opened = opened;
        _connection = connection;
        _transaction = transaction;
    }

    public static async Task<PastReader> OpenAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        VerbDatabase opened = await VerbDatabase.OpenAsync(options, SchemaUse.Check, cancellationToken);
        try
        {
            NpgsqlConnection connection = await opened.Database.OpenAsync(cancellationToken);
            NpgsqlTransaction transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            await using NpgsqlCommand settings = new(SettingsSql, connection);
            await settings.ExecuteNonQueryAsync(cancellationToken);
            return new PastReader(opened, connection, transaction);
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where the store is, and the first revision whose state can be told.</summary>
    public async Task<(long Revision, long Oldest)> StatusAsync(CancellationToken cancellationToken)
    {
        (long, long) status = default;
        await ReadAsync(
            "select s.revision, s.oldest_revision from pgetcd.status s", [], reader => status = (reader.GetInt64(0), reader.GetInt64(1)), cancellationToken);
        return status;
    }

    /// <summary>The revision that was meant.</summary>
    /// <param name="label">What the moment is called, for the message.</param>
    /// <param name="moment">See <see cref="MomentHelp"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CommandException">It is none, or in the future.</exception>
    public async Task<long> RevisionAsync(string label, string moment, CancellationToken cancellationToken)
    {
        string shown = FlagValues.Shown(moment);
        if (moment.Length > 0 && moment.All(char.IsAsciiDigit))
        {
            return long.TryParse(moment, NumberStyles.None, CultureInfo.InvariantCulture, out long revision)
                ? revision
                : throw new CommandException($"{label}: there is no revision \"{shown}\".");
        }

        long found = 0;
        try
        {
            if (Durations.Parse(moment) is { } ago)
            {
                await ReadAsync(
                    "select pgetcd.revision_at(clock_timestamp() - $1)",
                    [new NpgsqlParameter<TimeSpan> { TypedValue = ago }], reader => found = reader.GetInt64(0), cancellationToken);
            }
            else
            {
                await ReadAsync(
                    "select pgetcd.revision_at($1::timestamptz)",
                    [new NpgsqlParameter { Value = moment, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text }], reader => found = reader.GetInt64(0), cancellationToken);
            }
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            throw new CommandException($"{label} must be a revision, a time or how long ago, not \"{shown}\".");
        }

        return found;
    }

    /// <summary>Runs a query.</summary>
    /// <exception cref="CommandException">It asks for what is compacted, or for the future.</exception>
    public async Task ReadAsync(
        string sql, IEnumerable<NpgsqlParameter> parameters, Action<NpgsqlDataReader> take, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(_opened.Database.Schema.Apply(sql), _connection) { CommandTimeout = 0 };
        command.Parameters.AddRange(parameters.ToArray());
        try
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                take(reader);
            }
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith("PE", StringComparison.Ordinal))
        {
            throw new CommandException($"{(exception.Detail ?? exception.MessageText).TrimEnd('.')}.");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
        await _opened.DisposeAsync();
    }

    /// <summary>A column that may be null.</summary>
    public static object? Value(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetValue(column);

    public static NpgsqlParameter Bytes(byte[] bytes) => new() { Value = bytes, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea };

    public static NpgsqlParameter Number(long number) => new NpgsqlParameter<long> { TypedValue = number };
}
