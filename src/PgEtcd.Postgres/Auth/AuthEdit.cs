using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Auth;

/// <summary>A change of users, roles or permissions, as <c>change_auth</c> makes it (functions/auth.sql). The decision to allow it is made
/// elsewhere, at the auth revision that the change expects.</summary>
public sealed record AuthEdit
{
    private const string EditSql = "select pgetcd.edit_auth($1, $2, $3, $4, $5, $6, $7, $8)";

    private AuthEdit(string action) => Action = action;

    /// <summary>The method of the Auth service.</summary>
    public string Action { get; }

    private string? User { get; init; }

    private string? Role { get; init; }

    private byte[]? Password { get; init; }

    private bool HasNoPassword { get; init; }

    private PermissionRecord Permission { get; init; } = new(0, [], []);

    /// <summary>Adds a user without roles. Tokens of an earlier user of that name stay invalid.</summary>
    public static AuthEdit AddUser(string name, byte[] password, bool hasNoPassword) =>
        new("UserAdd") { User = name, Password = password, HasNoPassword = hasNoPassword };

    /// <summary>Removes a user and its tokens.</summary>
    public static AuthEdit DeleteUser(string name) => new("UserDelete") { User = name };

    /// <summary>Changes the password, which ends the user's tokens.</summary>
    public static AuthEdit SetPassword(string name, byte[] password) => new("UserChangePassword") { User = name, Password = password };

    /// <summary>Ends a user's tokens and keeps the password.</summary>
    public static AuthEdit EndTokens(string name) => new("UserChangePassword") { User = name };

    /// <summary>Gives a role to a user.</summary>
    public static AuthEdit GrantRole(string user, string role) => new("UserGrantRole") { User = user, Role = role };

    /// <summary>Takes a role from a user.</summary>
    public static AuthEdit RevokeRole(string user, string role) => new("UserRevokeRole") { User = user, Role = role };

    /// <summary>Adds a role.</summary>
    public static AuthEdit AddRole(string name) => new("RoleAdd") { Role = name };

    /// <summary>Removes a role with its permissions, also from all users.</summary>
    public static AuthEdit DeleteRole(string name) => new("RoleDelete") { Role = name };

    /// <summary>Adds a permission, or changes the kind of the one with the same key and range_end.</summary>
    public static AuthEdit GrantPermission(string role, PermissionRecord permission) =>
        new("RoleGrantPermission") { Role = role, Permission = permission };

    /// <summary>Takes a permission from a role.</summary>
    public static AuthEdit RevokePermission(string role, byte[] key, byte[] rangeEnd) =>
        new("RoleRevokePermission") { Role = role, Permission = new PermissionRecord(0, key, rangeEnd) };

    /// <summary>Switches auth on.</summary>
    public static AuthEdit Enable() => new("AuthEnable");

    /// <summary>Switches auth off; all tokens end.</summary>
    public static AuthEdit Disable() => new("AuthDisable");

    /// <summary>The arguments of both functions, in their order.</summary>
    internal SqlValue[] Values() =>
        [Action, User, Role, Password, HasNoPassword, Permission.Kind, Permission.Key, Permission.RangeEnd];

    /// <summary>Adds the change to an import, which is made by the schema's owner and not audited.</summary>
    internal void AddTo(NpgsqlBatch batch, SchemaName schema) => batch.Add(schema, EditSql, Values());
}
