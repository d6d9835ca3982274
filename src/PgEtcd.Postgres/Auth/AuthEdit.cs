using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Auth;

/// <summary>One step of a change: a statement with its parameters. Whether it is allowed is decided elsewhere, at the auth
/// revision that the change expects.</summary>
public sealed class AuthEdit
{
    private readonly string _sql;
    private readonly SqlValue[] _values;

    private AuthEdit(string sql, params SqlValue[] values)
    {
        _sql = sql;
        _values = values;
    }

    /// <summary>Adds a user without roles. Tokens of an earlier user of that name stay dead.</summary>
    public static AuthEdit AddUser(string name, byte[] password, bool hasNoPassword) => new(
        "insert into pgetcd.auth_users (name, password, no_password, tokens_since) select $1, $2, $3, auth_revision from pgetcd.cluster",
        name, password, hasNoPassword);

    /// <summary>Removes a user and its tokens.</summary>
    public static AuthEdit DeleteUser(string name) => new(
        "with gone as (delete from pgetcd.auth_tokens where username = $1) delete from pgetcd.auth_users where name = $1", name);

    /// <summary>Changes the password, which ends the user's tokens.</summary>
    public static AuthEdit SetPassword(string name, byte[] password) => new(
        """
        with gone as (delete from pgetcd.auth_tokens where username = $1)
        update pgetcd.auth_users set password = $2, tokens_since = (select auth_revision from pgetcd.cluster) where name = $1
        """,
        name, password);

    /// <summary>Ends a user's tokens and leaves the password.</summary>
    public static AuthEdit EndTokens(string name) => new(
        """
        with gone as (delete from pgetcd.auth_tokens where username = $1)
        update pgetcd.auth_users set tokens_since = (select auth_revision from pgetcd.cluster) where name = $1
        """,
        name);

    /// <summary>Gives a role to a user.</summary>
    public static AuthEdit GrantRole(string user, string role) => new(
        "insert into pgetcd.auth_user_roles (username, role) values ($1, $2)", user, role);

    /// <summary>Takes a role from a user.</summary>
    public static AuthEdit RevokeRole(string user, string role) => new(
        "delete from pgetcd.auth_user_roles where username = $1 and role = $2", user, role);

    /// <summary>Adds a role.</summary>
    public static AuthEdit AddRole(string name) => new("insert into pgetcd.auth_roles (name) values ($1)", name);

    /// <summary>Removes a role, its permissions, and takes it from all users.</summary>
    public static AuthEdit DeleteRole(string name) => new(
        "with gone as (delete from pgetcd.auth_user_roles where role = $1) delete from pgetcd.auth_roles where name = $1", name);

    /// <summary>Adds a permission, or changes the kind of the one with the same key and range_end.</summary>
    public static AuthEdit GrantPermission(string role, PermissionRecord permission) => new(
        """
        with changed as (
            update pgetcd.auth_permissions set kind = $2 where role = $1 and key = $3 and range_end = $4 returning id
        )
        insert into pgetcd.auth_permissions (role, kind, key, range_end)
            select $1, $2, $3, $4 where not exists (select from changed)
        """,
        role, permission.Kind, permission.Key, permission.RangeEnd);

    /// <summary>Takes a permission from a role.</summary>
    public static AuthEdit RevokePermission(string role, byte[] key, byte[] rangeEnd) => new(
        "delete from pgetcd.auth_permissions where role = $1 and key = $2 and range_end = $3", role, key, rangeEnd);

    /// <summary>Has requests checked from now on.</summary>
    public static AuthEdit Enable() => new("update pgetcd.cluster set auth_enabled = true");

    /// <summary>Requests are no longer checked; all tokens die.</summary>
    public static AuthEdit Disable() => new(
        """
        with gone as (delete from pgetcd.auth_tokens)
        update pgetcd.cluster set auth_enabled = false, auth_tokens_since = auth_revision
        """);

    internal void AddTo(NpgsqlBatch batch, SchemaName schema) => batch.Add(schema, _sql, [.. _values.Select(value => value.Copy())]);
}
