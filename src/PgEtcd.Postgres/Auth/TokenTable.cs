using Npgsql;
using NpgsqlTypes;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Auth;

/// <summary>Simple tokens by their hashes, good at every frontend; and the failed logins.</summary>
public sealed class TokenTable(Database database)
{
    /// <summary>Keeps a new token.</summary>
    /// <param name="expectedRevision">The auth revision at which the password was checked.</param>
    /// <param name="hash">Of the token.</param>
    /// <param name="username">Whose it is.</param>
    /// <param name="ttl">How long it is good.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when something has changed meanwhile.</returns>
    public async Task<bool> AddAsync(long expectedRevision, byte[] hash, string username, TimeSpan ttl, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command("select pgetcd.add_auth_token($1, $2, $3, $4)");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expectedRevision });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = username });
        command.Parameters.Add(new NpgsqlParameter<double> { TypedValue = ttl.TotalSeconds });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Those of the tokens that have not expired.</summary>
    public async Task<IReadOnlyList<TokenRecord>> FindAsync(IReadOnlyCollection<byte[]> hashes, CancellationToken cancellationToken)
    {
        const string sql = """
            select hash, username, made_at_auth, extract(epoch from expires_at - clock_timestamp())::float8
            from pgetcd.auth_tokens where hash = any ($1) and expires_at > clock_timestamp()
            """;
        await using NpgsqlCommand command = database.Command(sql);
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. hashes] });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<TokenRecord> found = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(new TokenRecord(
                reader.GetFieldValue<byte[]>(0), reader.GetString(1), reader.GetInt64(2), TimeSpan.FromSeconds(reader.GetDouble(3))));
        }

        return found;
    }

    /// <summary>Lets tokens live on that have been used.</summary>
    /// <param name="hashes">The tokens.</param>
    /// <param name="lives">For how long from now, seconds; as many.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Those that are still there.</returns>
    public async Task<IReadOnlyList<byte[]>> RenewAsync(IReadOnlyCollection<byte[]> hashes, IReadOnlyCollection<double> lives, CancellationToken cancellationToken)
    {
        const string sql = """
            update pgetcd.auth_tokens t set expires_at = greatest(t.expires_at, clock_timestamp() + make_interval(secs => used.life))
            from unnest($1, $2) as used (hash, life) where t.hash = used.hash returning t.hash
            """;
        await using NpgsqlCommand command = database.Command(sql);
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. hashes] });
        command.Parameters.Add(new NpgsqlParameter<double[]> { TypedValue = [.. lives] });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<byte[]> alive = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            alive.Add(reader.GetFieldValue<byte[]>(0));
        }

        return alive;
    }

    /// <summary>Writes failed logins into the audit.</summary>
    public async Task NoteFailuresAsync(IReadOnlyCollection<FailedLogin> failures, string frontend, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command("select pgetcd.note_failed_logins($1, $2, $3, $4)");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. failures.Select(failure => failure.Username)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. failures.Select(failure => failure.Client)] });
        command.Parameters.Add(new NpgsqlParameter
        {
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
            Value = failures.Select(failure => failure.At.UtcDateTime).ToArray(),
        });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = frontend });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>A simple token.</summary>
/// <param name="Hash">Of the token.</param>
/// <param name="Username">Whose it is.</param>
/// <param name="MadeAt">The auth revision at which it was made.</param>
/// <param name="Left">How long it is good if nobody uses it.</param>
public sealed record TokenRecord(byte[] Hash, string Username, long MadeAt, TimeSpan Left);

/// <summary>A login that failed.</summary>
/// <param name="Username">As whom.</param>
/// <param name="Client">From where.</param>
/// <param name="At">When.</param>
public readonly record struct FailedLogin(string Username, string Client, DateTimeOffset At);
