using Grpc.Core;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Authpb;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Frontend.Auth;

/// <summary>Decides, by etcd's rules (semantics.md §11), what a request of the Auth service changes in the current users, roles and
/// permissions. Null: nothing has to change. Whether the caller may make the request is decided elsewhere.</summary>
public static class AuthDecision
{
    public static AuthEdit? Enable(AuthState state) => state.IsEnabled ? null
        : state.User(AuthState.Root) is not { } root ? throw EtcdErrors.RootUserNotExist.ToException()
        : root.IsRoot ? AuthEdit.Enable()
        : throw EtcdErrors.RootRoleNotExist.ToException();

    public static AuthEdit? Disable(AuthState state) => state.IsEnabled ? AuthEdit.Disable() : null;

    /// <param name="state">The current state.</param>
    /// <param name="request">The request.</param>
    /// <param name="password">The hash of the request's password; null for a user without one.</param>
    public static AuthEdit? Add(AuthState state, AuthUserAddRequest request, byte[]? password)
    {
        CheckName(request.Name, EtcdErrors.UserEmpty);
        Demand(state.User(request.Name) is null, EtcdErrors.UserAlreadyExist);
        return AuthEdit.AddUser(request.Name, password ?? [], hasNoPassword: password is null);
    }

    public static AuthEdit? Delete(AuthState state, AuthUserDeleteRequest request)
    {
        Demand(!state.IsEnabled || request.Name != AuthState.Root, EtcdErrors.InvalidAuthMgmt);
        Find(state, request.Name);
        return AuthEdit.DeleteUser(request.Name);
    }

    /// <param name="state">The current state.</param>
    /// <param name="request">The request.</param>
    /// <param name="password">The hash of the request's password; null if the request carries a hash itself, or neither.</param>
    public static AuthEdit? ChangePassword(AuthState state, AuthUserChangePasswordRequest request, byte[]? password)
    {
        UserRecord user = Find(state, request.Name);
        if (user.HasNoPassword)
        {
            return AuthEdit.EndTokens(request.Name);
        }

        if (password is null)
        {
            password = new byte[request.HashedPassword.Length];
            Demand(Convert.TryFromBase64String(request.HashedPassword, password, out int length), EtcdErrors.PasswordForNoPasswordUser);
            password = password[..length];
        }

        return AuthEdit.SetPassword(request.Name, password);
    }

    public static AuthEdit? GrantRole(AuthState state, AuthUserGrantRoleRequest request)
    {
        UserRecord user = Find(state, request.User);
        Demand(request.Role == AuthState.Root || state.Role(request.Role) is not null, EtcdErrors.RoleNotFound);
        return user.Roles.Contains(request.Role) ? null : AuthEdit.GrantRole(request.User, request.Role);
    }

    public static AuthEdit? RevokeRole(AuthState state, AuthUserRevokeRoleRequest request)
    {
        Demand(!(state.IsEnabled && request.Name == AuthState.Root && request.Role == AuthState.Root), EtcdErrors.InvalidAuthMgmt);
        UserRecord user = Find(state, request.Name);
        Demand(user.Roles.Contains(request.Role), EtcdErrors.RoleNotGranted);
        return AuthEdit.RevokeRole(request.Name, request.Role);
    }

    public static AuthEdit? Add(AuthState state, AuthRoleAddRequest request)
    {
        CheckName(request.Name, EtcdErrors.RoleEmpty);
        Demand(state.Role(request.Name) is null, EtcdErrors.RoleAlreadyExist);
        return AuthEdit.AddRole(request.Name);
    }

    public static AuthEdit? Delete(AuthState state, AuthRoleDeleteRequest request)
    {
        Demand(!state.IsEnabled || request.Role != AuthState.Root, EtcdErrors.InvalidAuthMgmt);
        Demand(state.Role(request.Role) is not null, EtcdErrors.RoleNotFound);
        return AuthEdit.DeleteRole(request.Role);
    }

    public static AuthEdit? GrantPermission(AuthState state, AuthRoleGrantPermissionRequest request)
    {
        Permission permission = request.Perm ?? throw EtcdErrors.PermissionNotGiven.ToException();
        KeyRange range = new(permission.Key.Memory, permission.RangeEnd.Memory);
        Demand(!permission.Key.IsEmpty && !range.IsEmpty, EtcdErrors.InvalidAuthMgmt);
        Demand(state.Role(request.Name) is not null, EtcdErrors.RoleNotFound);
        return AuthEdit.GrantPermission(
            request.Name, new PermissionRecord((int)permission.PermType, permission.Key.ToByteArray(), permission.RangeEnd.ToByteArray()));
    }

    public static AuthEdit? RevokePermission(AuthState state, AuthRoleRevokePermissionRequest request)
    {
        RoleRecord role = state.Role(request.Role) ?? throw EtcdErrors.RoleNotFound.ToException();
        Demand(
            role.Permissions.Any(
                permission => request.Key.Span.SequenceEqual(permission.Key) && request.RangeEnd.Span.SequenceEqual(permission.RangeEnd)),
            EtcdErrors.PermissionNotGranted);
        return AuthEdit.RevokePermission(request.Role, request.Key.ToByteArray(), request.RangeEnd.ToByteArray());
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
        if (name.Contains('\0')) // etcd accepts it, but PostgreSQL cannot store it
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "pgetcd: a name cannot contain a null character"));
        }
    }
}
