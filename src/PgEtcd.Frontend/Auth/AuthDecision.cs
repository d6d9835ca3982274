using System.Text;
using Grpc.Core;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Authpb;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Frontend.Auth;

/// <summary>What a request of the Auth service comes to, decided on users, roles and permissions as they are: etcd's rules for
/// changing them (semantics.md §11). Permission to ask is not decided here.</summary>
/// <param name="Action">The method, for the audit.</param>
/// <param name="Subject">What is changed, for the audit: no password and no hash.</param>
/// <param name="Edits">What to do; none if all is as it should be.</param>
public sealed record AuthDecision(string Action, string Subject, params AuthEdit[] Edits)
{
    /// <summary>By how much etcd's auth revision goes up.</summary>
    public long ShownStep { get; init; } = 1;

    public static AuthDecision Enable(AuthState state)
    {
        if (state.IsEnabled)
        {
            return new AuthDecision("AuthEnable", "");
        }

        AuthUser root = state.User(AuthState.Root) ?? throw EtcdErrors.RootUserNotExist.ToException();
        return root.IsRoot
            ? new AuthDecision("AuthEnable", "", AuthEdit.Enable()) { ShownStep = 0 }
            : throw EtcdErrors.RootRoleNotExist.ToException();
    }

    public static AuthDecision Disable(AuthState state) =>
        state.IsEnabled ? new AuthDecision("AuthDisable", "", AuthEdit.Disable()) : new AuthDecision("AuthDisable", "");

    /// <param name="state">As it is.</param>
    /// <param name="request">The request.</param>
    /// <param name="password">The hash of its password; null for a user without one.</param>
    public static AuthDecision Add(AuthState state, AuthUserAddRequest request, byte[]? password)
    {
        CheckName(request.Name, EtcdErrors.UserEmpty);
        return state.User(request.Name) is null
            ? new AuthDecision("UserAdd", $"user {request.Name}", AuthEdit.AddUser(request.Name, password ?? [], hasNoPassword: password is null))
            : throw EtcdErrors.UserAlreadyExist.ToException();
    }

    public static AuthDecision Delete(AuthState state, AuthUserDeleteRequest request)
    {
        Demand(!state.IsEnabled || request.Name != AuthState.Root, EtcdErrors.InvalidAuthMgmt);
        Find(state, request.Name);
        return new AuthDecision("UserDelete", $"user {request.Name}", AuthEdit.DeleteUser(request.Name));
    }

    /// <param name="state">As it is.</param>
    /// <param name="request">The request.</param>
    /// <param name="password">The hash of its password; null: it brings a hash itself, or nothing.</param>
    public static AuthDecision ChangePassword(AuthState state, AuthUserChangePasswordRequest request, byte[]? password)
    {
        UserRecord user = Find(state, request.Name);
        if (user.HasNoPassword)
        {
            return new AuthDecision("UserChangePassword", $"user {request.Name}", AuthEdit.EndTokens(request.Name));
        }

        byte[] given = password ?? [];
        if (password is null)
        {
            given = new byte[request.HashedPassword.Length];
            Demand(Convert.TryFromBase64String(request.HashedPassword, given, out int length), EtcdErrors.PasswordForNoPasswordUser);
            given = given[..length];
        }

        return new AuthDecision("UserChangePassword", $"user {request.Name}", AuthEdit.SetPassword(request.Name, given));
    }

    public static AuthDecision GrantRole(AuthState state, AuthUserGrantRoleRequest request)
    {
        UserRecord user = Find(state, request.User);
        Demand(request.Role == AuthState.Root || state.Role(request.Role) is not null, EtcdErrors.RoleNotFound);
        string subject = $"user {request.User}, role {request.Role}";
        return user.Roles.Contains(request.Role)
            ? new AuthDecision("UserGrantRole", subject)
            : new AuthDecision("UserGrantRole", subject, AuthEdit.GrantRole(request.User, request.Role));
    }

    public static AuthDecision RevokeRole(AuthState state, AuthUserRevokeRoleRequest request)
    {
        Demand(!(state.IsEnabled && request.Name == AuthState.Root && request.Role == AuthState.Root), EtcdErrors.InvalidAuthMgmt);
        UserRecord user = Find(state, request.Name);
        Demand(user.Roles.Contains(request.Role), EtcdErrors.RoleNotGranted);
        return new AuthDecision("UserRevokeRole", $"user {request.Name}, role {request.Role}", AuthEdit.RevokeRole(request.Name, request.Role));
    }

    public static AuthDecision Add(AuthState state, AuthRoleAddRequest request)
    {
        CheckName(request.Name, EtcdErrors.RoleEmpty);
        return state.Role(request.Name) is null
            ? new AuthDecision("RoleAdd", $"role {request.Name}", AuthEdit.AddRole(request.Name))
            : throw EtcdErrors.RoleAlreadyExist.ToException();
    }

    public static AuthDecision Delete(AuthState state, AuthRoleDeleteRequest request)
    {
        Demand(!state.IsEnabled || request.Role != AuthState.Root, EtcdErrors.InvalidAuthMgmt);
        Demand(state.Role(request.Role) is not null, EtcdErrors.RoleNotFound);
        return new AuthDecision("RoleDelete", $"role {request.Role}", AuthEdit.DeleteRole(request.Role));
    }

    public static AuthDecision GrantPermission(AuthState state, AuthRoleGrantPermissionRequest request)
    {
        Permission permission = request.Perm ?? throw EtcdErrors.PermissionNotGiven.ToException();
        KeyRange range = new(permission.Key.Memory, permission.RangeEnd.Memory);
        Demand(!permission.Key.IsEmpty && !range.IsEmpty, EtcdErrors.InvalidAuthMgmt);
        Demand(state.Role(request.Name) is not null, EtcdErrors.RoleNotFound);
        return new AuthDecision(
            "RoleGrantPermission",
            $"role {request.Name}, {permission.PermType} {Shown(range)}",
            AuthEdit.GrantPermission(
                request.Name, new PermissionRecord((int)permission.PermType, permission.Key.ToByteArray(), permission.RangeEnd.ToByteArray())));
    }

    public static AuthDecision RevokePermission(AuthState state, AuthRoleRevokePermissionRequest request)
    {
        RoleRecord role = state.Role(request.Role) ?? throw EtcdErrors.RoleNotFound.ToException();
        Demand(
            role.Permissions.Any(permission => request.Key.Span.SequenceEqual(permission.Key) && request.RangeEnd.Span.SequenceEqual(permission.RangeEnd)),
            EtcdErrors.PermissionNotGranted);
        return new AuthDecision(
            "RoleRevokePermission",
            $"role {request.Role}, {Shown(new KeyRange(request.Key.Memory, request.RangeEnd.Memory))}",
            AuthEdit.RevokePermission(request.Role, request.Key.ToByteArray(), request.RangeEnd.ToByteArray()));
    }

    private static UserRecord Find(AuthState state, string name) => state.User(name)?.Record ?? throw EtcdErrors.UserNotFound.ToException();

    private static void Demand(bool holds, EtcdError error)
    {
        if (!holds)
        {
            throw error.ToException();
        }
    }

    private static void CheckName(string name, EtcdError isEmpty)
    {
        Demand(name.Length > 0, isEmpty);
        if (name.Contains('\0')) // which etcd takes, and PostgreSQL has no place for
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "pgetcd: a name cannot contain a null character"));
        }
    }

    private static string Shown(in KeyRange range) =>
        range.IsSingleKey ? Shown(range.Start.Span)
        : range.IsOpenEnded ? $"from {Shown(range.Start.Span)}"
        : $"from {Shown(range.Start.Span)} to {Shown(range.End.Span)}";

    private static string Shown(ReadOnlySpan<byte> key)
    {
        const int Most = 200;
        StringBuilder text = new("\"");
        foreach (byte next in key[..Math.Min(key.Length, Most)])
        {
            text.Append(next is >= 0x20 and < 0x7f ? ((char)next).ToString() : $"\\x{next:x2}");
        }

        return text.Append(key.Length > Most ? "…\"" : "\"").ToString();
    }
}
