using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Auth;

/// <summary>Simple tokens by their hashes, valid at every frontend, and failed logins.</summary>
public sealed class TokenTable(Database database)
{
    private const string AddSql = "select pgetcd.add_auth_token($1, $2, $3, $4)";

    private const string FindSql = """
        select hash, username, made_at_auth as made_at, expires_at - clock_timestamp() as left
        from pgetcd.auth_tokens where hash = any ($1) and expires_at > clock_timestamp()
        """;

    private const string RenewSql = "select * from pgetcd.renew_auth_tokens($1, $2)";
    private const string NoteFailuresSql = "select pgetcd.note_failed_logins($1, $2, $3, $4)";

    /// <summary>Stores a new token.</summary>
    /// <param name="expectedRevision">The auth revision at which the password was checked.</param>
    /// <param name="hash">The token's hash.</param>
    /// <param name="username">Its user.</param>
    /// <param name="ttl">The token's time to live.</param>
    /// <returns>False if auth has changed since that revision.</returns>
    public async Task<bool> AddAsync(
        long expectedRevision, byte[] hash, string username, TimeSpan ttl, CancellationToken cancellationToken) =>
        await database.Command(AddSql, expectedRevision, hash, username, ttl.TotalSeconds).ScalarAsync(cancellationToken) is true;

    /// <summary>Finds the tokens that have not expired.</summary>
    public async Task<IReadOnlyList<TokenRecord>> FindAsync(IReadOnlyCollection<byte[]> hashes, CancellationToken cancellationToken) =>
        await database.Command(FindSql, (byte[][])[.. hashes]).ListAsync<TokenRecord>(cancellationToken);

    /// <summary>Prolongs tokens that have been used.</summary>
    /// <param name="hashes">The tokens.</param>
    /// <param name="lives">For each token, its remaining time to live in seconds.</param>
    /// <returns>The tokens that still exist.</returns>
    public async Task<IReadOnlyList<byte[]>> RenewAsync(
        IReadOnlyCollection<byte[]> hashes, IReadOnlyCollection<double> lives, CancellationToken cancellationToken) =>
        await database.Command(RenewSql, (byte[][])[.. hashes], (double[])[.. lives]).ListAsync<byte[]>(cancellationToken);

    /// <summary>Writes failed logins into the audit.</summary>
    public Task NoteFailuresAsync(IReadOnlyCollection<FailedLogin> failures, string frontend, CancellationToken cancellationToken) =>
        database.Command(
            NoteFailuresSql,
            (string[])[.. failures.Select(failure => failure.Username)],
            (string[])[.. failures.Select(failure => failure.Client)],
            (DateTime[])[.. failures.Select(failure => failure.At.UtcDateTime)],
            frontend)
            .RunAsync(cancellationToken);
}

/// <summary>A simple token.</summary>
/// <param name="Hash">The token's hash.</param>
/// <param name="Username">Its user.</param>
/// <param name="MadeAt">The auth revision at which it was made.</param>
/// <param name="Left">The remaining time to live if it is not used.</param>
public sealed record TokenRecord(byte[] Hash, string Username, long MadeAt, TimeSpan Left);

/// <summary>A login that failed.</summary>
/// <param name="Username">The name in the request.</param>
/// <param name="Client">The address of the client.</param>
/// <param name="At">The time.</param>
public readonly record struct FailedLogin(string Username, string Client, DateTimeOffset At);
