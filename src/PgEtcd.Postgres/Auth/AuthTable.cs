using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Auth;

/// <summary>Users, roles and permissions. They change under the append lock, one change after another, each at the auth revision
/// at which it was decided; every change is in the audit.</summary>
public sealed class AuthTable(Database database)
{
    // SQLSTATEs of change_auth.
    private const string Moved = "PA001";
    private const string Repeated = "PA002";
    private const string StateSql = "select auth_revision, auth_shown_revision, auth_enabled, auth_tokens_since from pgetcd.cluster";

    private const string UsersSql = """
        select u.name, coalesce(u.password, ''), u.no_password, u.tokens_since,
            array(select r.role from pgetcd.auth_user_roles r where r.username = u.name)
        from pgetcd.auth_users u
        """;

    private const string RolesSql = """
        select r.name, p.kind, p.key, p.range_end
        from pgetcd.auth_roles r left join pgetcd.auth_permissions p on p.role = r.name order by r.name, p.id
        """;

    private const string ChangeSql = "select pgetcd.change_auth($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    private const string EnsureRevisionSql = "select pgetcd.ensure_auth_revision($1)";

    /// <summary>Loads all users and roles in one snapshot.</summary>
    public async Task<AuthRecords> LoadAsync(CancellationToken cancellationToken)
    {
        await using Snapshot snapshot = await Snapshot.OpenAsync(database, cancellationToken);
        return await LoadAsync(snapshot, cancellationToken);
    }

    /// <summary>Loads all users and roles within a snapshot.</summary>
    internal static async Task<AuthRecords> LoadAsync(Snapshot snapshot, CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = new(snapshot.Connection);
        foreach (string sql in (string[])[StateSql, UsersSql, RolesSql])
        {
            batch.Add(snapshot.Schema, sql);
        }

        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        AuthRecords records = new()
        {
            Revision = reader.GetInt64(0),
            ShownRevision = reader.GetInt64(1),
            IsEnabled = reader.GetBoolean(2),
            TokensSince = reader.GetInt64(3),
        };
        await reader.NextResultAsync(cancellationToken);
        List<UserRecord> users = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            users.Add(new UserRecord(
                reader.GetString(0), reader.GetFieldValue<byte[]>(1), reader.GetBoolean(2),
                reader.GetFieldValue<string[]>(4), reader.GetInt64(3)));
        }

        await reader.NextResultAsync(cancellationToken);
        List<(string Role, PermissionRecord? Permission)> roles = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            roles.Add((reader.GetString(0), reader.IsDBNull(1) ? null : new PermissionRecord(
                reader.GetInt32(1), reader.GetFieldValue<byte[]>(2), reader.GetFieldValue<byte[]>(3))));
        }

        return records with
        {
            Users = users,
            Roles = [.. roles.GroupBy(static row => row.Role, static row => row.Permission)
                .Select(static role => new RoleRecord(role.Key, [.. role.OfType<PermissionRecord>()]))],
        };
    }

    /// <summary>Makes a change atomically. May be repeated with the same token after the connection broke: the change is made
    /// once.</summary>
    /// <param name="change">The change.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the change.</param>
    /// <returns>False if the auth revision is not the expected one; nothing is changed then.</returns>
    public async Task<bool> ChangeAsync(AuthChange change, CancellationToken cancellationToken)
    {
        try
        {
            await database.Command(
                ChangeSql,
                [change.ExpectedRevision, change.Token, .. change.Edit.Values(), change.Username, change.Client, change.Frontend])
                .RunAsync(cancellationToken);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState is Moved or Repeated)
        {
            return exception.SqlState == Repeated;
        }
    }

    /// <summary>Makes sure that the auth revision is not below one that was seen earlier: a failover may have lost changes.</summary>
    /// <param name="connection">A connection to the new server.</param>
    /// <param name="seenRevision">The auth revision of this frontend.</param>
    /// <returns>False when changes were lost.</returns>
    public async Task<bool> EnsureRevisionAsync(NpgsqlConnection connection, long seenRevision) =>
        await database.Command(connection, EnsureRevisionSql, seenRevision).ScalarAsync(CancellationToken.None) is true;
}

/// <summary>A change of users, roles or permissions, with its author.</summary>
/// <param name="ExpectedRevision">The auth revision at which it was decided.</param>
/// <param name="Edit">The change.</param>
public sealed record AuthChange(long ExpectedRevision, AuthEdit Edit)
{
    /// <summary>Identifies the change, so that a repetition makes it once.</summary>
    public Guid Token { get; } = Guid.NewGuid();

    /// <summary>The author; null while auth is off.</summary>
    public string? Username { get; init; }

    /// <summary>The address of the client.</summary>
    public string? Client { get; init; }

    /// <summary>The frontend that the client asked.</summary>
    public required string Frontend { get; init; }
}
