using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Auth;

/// <summary>Imports users and roles, for instance from an etcd snapshot, whose bcrypt hashes are kept.</summary>
public static class AuthImport
{
    private const string ClearSql = """
        select pgetcd.lock_log();
        delete from pgetcd.auth_tokens;
        delete from pgetcd.auth_users;
        delete from pgetcd.auth_roles;
        """;

    private const string StateSql = """
        update pgetcd.cluster set auth_enabled = $1, auth_revision = greatest(auth_revision + 1, $2),
            auth_shown_revision = greatest(auth_shown_revision, $2), auth_tokens_since = greatest(auth_revision + 1, $2)
        """;

    // Made by the schema's owner, and not audited.
    private const string EditSql = "select pgetcd.edit_auth($1, $2, $3, $4, $5, $6, $7, $8)";

    /// <summary>Replaces all users and roles. All simple tokens end.</summary>
    /// <param name="transaction">The transaction of the change. Followers of the log see the change when they are woken after the
    /// commit.</param>
    /// <param name="records">The users and roles; their <see cref="AuthRecords.ShownRevision"/> is etcd's auth revision.</param>
    public static async Task ReplaceAsync(
        NpgsqlTransaction transaction, SchemaName schema, AuthRecords records, CancellationToken cancellationToken)
    {
        await new NpgsqlCommand(schema.Apply(ClearSql), transaction.Connection, transaction).RunAsync(cancellationToken);
        await using NpgsqlBatch batch = new(transaction.Connection, transaction);
        batch.Add(schema, StateSql, records.IsEnabled, records.ShownRevision);
        IEnumerable<AuthEdit> edits =
        [
            .. records.Roles.Select(role => AuthEdit.AddRole(role.Name)),
            .. records.Roles.SelectMany(role => role.Permissions.Select(permission => AuthEdit.GrantPermission(role.Name, permission))),
            .. records.Users.Select(user => AuthEdit.AddUser(user.Name, user.Password, user.HasNoPassword)),
            .. records.Users.SelectMany(user => user.Roles.Select(role => AuthEdit.GrantRole(user.Name, role))),
        ];
        foreach (AuthEdit edit in edits)
        {
            batch.Add(schema, EditSql, edit.Values());
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
    }
}
