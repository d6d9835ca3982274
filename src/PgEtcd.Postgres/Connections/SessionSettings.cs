using Microsoft.Extensions.Logging;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>Settings of every session, whatever the role, the database and the server set.</summary>
/// <remarks>The settings are made once in a session. A pooler in transaction mode hands a session to other clients after each transaction,
/// so nothing is set behind one: statements name all objects in full, and unsuitable settings are reported.</remarks>
internal sealed class SessionSettings(ILogger logger)
{
    private const string Zero = "0";

    /// <summary>A setting.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Value">The value to set.</param>
    /// <param name="IsFit">Whether a value is suitable.</param>
    /// <param name="Harm">The effect of another value, for the operator.</param>
    /// <param name="Condition">An SQL condition for setting it.</param>
    private sealed record Setting(string Name, string Value, Func<string, bool> IsFit, string Harm, string Condition = "true");

    private static readonly Setting[] Settings =
    [
        // No name in the statements may mean an object that another role has put into public (migrations/README.md).
        new("search_path", "pg_catalog, pg_temp", static _ => true, ""),
        // An append must see the commit of the lock's previous holder.
        new("default_transaction_isolation", "read committed", static value => value is "read committed" or "read uncommitted",
            "every write fails"),
        new("synchronous_commit", "on", static value => value != "off", "acknowledged writes can be lost",
            "pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off'"),
        // Frontends have their own limits, and repeat calls that were not answered in time.
        new("statement_timeout", Zero, static value => value == Zero, "long statements are cancelled"),
        new("lock_timeout", Zero, static value => value == Zero, "writes that wait for others are repeated"),
        // A frontend that hangs between two statements must not keep the append lock.
        new("idle_in_transaction_session_timeout", "5s", static _ => true, ""),
        new("transaction_timeout", Zero, static value => value is Zero or "", "long transactions are ended",
            "pg_catalog.current_setting('transaction_timeout', true) operator(pg_catalog.<>) '0'"),
        new("client_min_messages", "notice", static _ => true, ""),
    ];

    private static readonly string SetSql = $"""
        select pg_catalog.pg_postmaster_start_time(), pg_catalog.pg_is_in_recovery(),
            case when pg_catalog.pg_backend_pid() operator(pg_catalog.=) $1 then array[{string.Join(", ", Settings.Select(setting =>
                $"case when {setting.Condition} then pg_catalog.set_config('{setting.Name}', '{setting.Value}', false) end"))}] end
        """;

    private static readonly string ReadSql = $"select array[{string.Join(", ", Settings.Select(setting =>
        $"coalesce(pg_catalog.current_setting('{setting.Name}', true), '')"))}]";

    private volatile string[] _unmet = [];

    /// <summary>Sentences about unsuitable settings.</summary>
    public IReadOnlyList<string> Unmet => _unmet;

    /// <summary>Makes all settings in a new session.</summary>
    /// <returns>The start of its PostgreSQL, and whether that is a standby.</returns>
    public async Task<(DateTime StartedAt, bool IsStandby)> ApplyAsync(NpgsqlConnection connection)
    {
        await using NpgsqlBatch batch = new(connection);
        // A pooler invents the process id that it announces to its clients.
        NpgsqlParameter<int> process = new() { TypedValue = connection.ProcessID };
        batch.BatchCommands.Add(new NpgsqlBatchCommand(SetSql) { Parameters = { process } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(ReadSql));
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync();
        await reader.ReadAsync();
        (DateTime startedAt, bool isStandby) = (reader.GetDateTime(0), reader.GetBoolean(1));
        await reader.NextResultAsync();
        await reader.ReadAsync();
        Compare(reader.GetFieldValue<string[]>(0));
        return (startedAt, isStandby);
    }

    private void Compare(string[] values)
    {
        string[] unmet = [.. Settings.Zip(values)
            .Where(static pair => !pair.First.IsFit(pair.Second))
            .Select(static pair => $"{pair.First.Name} is {pair.Second}, so {pair.First.Harm}")];
        if (!unmet.SequenceEqual(_unmet) && unmet.Length > 0)
        {
            Log.SettingsUnmet(logger, $"{string.Join("; ", unmet)}. A pooler keeps it from setting them: use alter role … set …");
        }

        _unmet = unmet;
    }
}
