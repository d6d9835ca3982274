using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Auth;

/// <summary>A change of users, roles or permissions, as <c>change_auth</c> makes it (functions/auth.sql). The decision to allow it is made
/// elsewhere, at the auth revision that the change expects.</summary>
/// <param name="action">The method of the Auth service.</param>
public sealed class AuthEdit(
    string action, string? user = null, string? role = null, byte[]? password = null, bool hasNoPassword = false,
    PermissionRecord? permission = null)
{
    /// <summary>Adds a user without roles. Tokens of an earlier user of that name stay invalid.</summary>
    public static AuthEdit AddUser(string name, byte[] password, bool hasNoPassword) =>
        new("UserAdd", user: name, password: password, hasNoPassword: hasNoPassword);

    /// <summary>Removes a user and its tokens.</summary>
    public static AuthEdit DeleteUser(string name) => new("UserDelete", user: name);

    /// <summary>Changes the password, which ends the user's tokens.</summary>
    public static AuthEdit SetPassword(string name, byte[] password) => new("UserChangePassword", user: name, password: password);

    /// <summary>Ends a user's tokens and keeps the password.</summary>
    public static AuthEdit EndTokens(string name) => new("UserChangePassword", user: name);

    /// <summary>Gives a role to a user.</summary>
    public static AuthEdit GrantRole(string user, string role) => new("UserGrantRole", user, role);

    /// <summary>Takes a role from a user.</summary>
    public static AuthEdit RevokeRole(string user, string role) => new("UserRevokeRole", user, role);

    /// <summary>Adds a role.</summary>
    public static AuthEdit AddRole(string name) => new("RoleAdd", role: name);

    /// <summary>Removes a role with its permissions, also from all users.</summary>
    public static AuthEdit DeleteRole(string name) => new("RoleDelete", role: name);

    /// <summary>Adds a permission, or changes the kind of the one with the same key and range_end.</summary>
    public static AuthEdit GrantPermission(string role, PermissionRecord permission) =>
        new("RoleGrantPermission", role: role, permission: permission);

    /// <summary>Takes a permission from a role.</summary>
    public static AuthEdit RevokePermission(string role, byte[] key, byte[] rangeEnd) =>
        new("RoleRevokePermission", role: role, permission: new PermissionRecord(0, key, rangeEnd));

    /// <summary>Switches auth on.</summary>
    public static AuthEdit Enable() => new("AuthEnable");

    /// <summary>Switches auth off; all tokens end.</summary>
    public static AuthEdit Disable() => new("AuthDisable");

    /// <summary>The arguments of <c>edit_auth</c>, which are also part of those of <c>change_auth</c>.</summary>
    internal SqlValue[] Values() =>
        [action, user, role, password, hasNoPassword, permission?.Kind ?? 0, permission?.Key ?? [], permission?.RangeEnd ?? []];
}
