using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Callers;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Authpb;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>etcdserverpb.Auth (semantics.md §11). <see cref="AuthDecision"/> decides the effect of a change, which is made only if
/// nothing else has changed since.</summary>
internal sealed class AuthService(FrontendAuth auth, Admission admission, KeyReader reader, ResponseHeaders headers)
    : Protocol.Etcdserverpb.Auth.AuthBase
{
    private ResponseHeader Header => headers.At(reader.Current.Revision);

    /// <summary>Switches auth on. While auth is off, this needs no credentials.</summary>
    public override Task<AuthEnableResponse> AuthEnable(AuthEnableRequest request, ServerCallContext context) =>
        ChangeAsync(context, AuthDecision.Enable, () => new AuthEnableResponse { Header = Header });

    /// <summary>Switches auth off.</summary>
    public override Task<AuthDisableResponse> AuthDisable(AuthDisableRequest request, ServerCallContext context) =>
        ChangeAsync(context, AuthDecision.Disable, () => new AuthDisableResponse { Header = Header });

    /// <summary>Whether auth is on. While it is, only root may ask, as in 3.6.</summary>
    public override Task<AuthStatusResponse> AuthStatus(AuthStatusRequest request, ServerCallContext context)
    {
        AuthState state = admission.Anybody.State; // AuthGuard has caught up, as for all methods for root
        return Task.FromResult(
            new AuthStatusResponse { Header = Header, Enabled = state.IsEnabled, AuthRevision = (ulong)state.ShownRevision });
    }

    /// <summary>Issues a token for a user's name and password.</summary>
    public override async Task<AuthenticateResponse> Authenticate(AuthenticateRequest request, ServerCallContext context)
    {
        LoginAnswer answer = await auth.LogInAsync(request.Name, request.Password, context.Peer);
        return answer.Failure switch
        {
            LoginFailure.None => new AuthenticateResponse { Header = Header, Token = answer.Token },
            LoginFailure.AuthIsOff => throw EtcdErrors.AuthNotEnabled.ToException(),
            LoginFailure.TooMany => throw EtcdErrors.RequestTooManyRequests.ToException(),
            LoginFailure.HasNoPassword => throw EtcdErrors.PasswordForNoPasswordUser.ToException(),
            _ => throw EtcdErrors.AuthFailed.ToException(),
        };
    }

    /// <summary>Adds a user.</summary>
    public override async Task<AuthUserAddResponse> UserAdd(AuthUserAddRequest request, ServerCallContext context)
    {
        bool hasNoPassword = request.Options?.NoPassword == true;
        byte[]? password = hasNoPassword ? null : await HashAsync(request.Password, context);
        return await ChangeAsync(
            context, state => AuthDecision.Add(state, request, password), () => new AuthUserAddResponse { Header = Header });
    }

    /// <summary>A user's roles. Users may read their own.</summary>
    public override async Task<AuthUserGetResponse> UserGet(AuthUserGetRequest request, ServerCallContext context)
    {
        Caller caller = await admission.AdmitFreshAsync(context);
        (caller.Username == request.Name && caller.Username is not null ? null : caller.CheckRoot()).ThrowIfAny();
        AuthUser user = caller.State.User(request.Name) ?? throw EtcdErrors.UserNotFound.ToException();
        return new AuthUserGetResponse { Header = Header, Roles = { AuthState.Sorted(user.Record.Roles) } };
    }

    /// <summary>All users.</summary>
    public override async Task<AuthUserListResponse> UserList(AuthUserListRequest request, ServerCallContext context) =>
        new() { Users = { AuthState.Sorted((await AdmitRootAsync(context)).State.Users.Keys) }, Header = Header };

    /// <summary>Removes a user.</summary>
    public override Task<AuthUserDeleteResponse> UserDelete(AuthUserDeleteRequest request, ServerCallContext context) =>
        ChangeAsync(context, state => AuthDecision.Delete(state, request), () => new AuthUserDeleteResponse { Header = Header });

    /// <summary>Changes a password.</summary>
    public override async Task<AuthUserChangePasswordResponse> UserChangePassword(
        AuthUserChangePasswordRequest request, ServerCallContext context)
    {
        byte[]? password = request.Password.Length == 0 ? null : await HashAsync(request.Password, context);
        return await ChangeAsync(
            context, state => AuthDecision.ChangePassword(state, request, password),
            () => new AuthUserChangePasswordResponse { Header = Header });
    }

    /// <summary>Gives a role to a user.</summary>
    public override Task<AuthUserGrantRoleResponse> UserGrantRole(AuthUserGrantRoleRequest request, ServerCallContext context) =>
        ChangeAsync(context, state => AuthDecision.GrantRole(state, request), () => new AuthUserGrantRoleResponse { Header = Header });

    /// <summary>Takes a role from a user.</summary>
    public override Task<AuthUserRevokeRoleResponse> UserRevokeRole(AuthUserRevokeRoleRequest request, ServerCallContext context) =>
        ChangeAsync(context, state => AuthDecision.RevokeRole(state, request), () => new AuthUserRevokeRoleResponse { Header = Header });

    /// <summary>Adds a role.</summary>
    public override Task<AuthRoleAddResponse> RoleAdd(AuthRoleAddRequest request, ServerCallContext context) =>
        ChangeAsync(context, state => AuthDecision.Add(state, request), () => new AuthRoleAddResponse { Header = Header });

    /// <summary>A role's permissions by key. Users may read those of their own roles.</summary>
    public override async Task<AuthRoleGetResponse> RoleGet(AuthRoleGetRequest request, ServerCallContext context)
    {
        Caller caller = await admission.AdmitFreshAsync(context);
        (caller.HasRole(request.Role) ? null : caller.CheckRoot()).ThrowIfAny();
        RoleRecord role = caller.State.Role(request.Role) ?? throw EtcdErrors.RoleNotFound.ToException();
        return new AuthRoleGetResponse { Header = Header, Perm = { Permissions(role) } };
    }

    /// <summary>All roles.</summary>
    public override async Task<AuthRoleListResponse> RoleList(AuthRoleListRequest request, ServerCallContext context) =>
        new()
        {
            Roles = { AuthState.Sorted((await AdmitRootAsync(context)).State.Records.Roles.Select(role => role.Name)) },
            Header = Header,
        };

    /// <summary>Removes a role, also from its users.</summary>
    public override Task<AuthRoleDeleteResponse> RoleDelete(AuthRoleDeleteRequest request, ServerCallContext context) =>
        ChangeAsync(context, state => AuthDecision.Delete(state, request), () => new AuthRoleDeleteResponse { Header = Header });

    /// <summary>Gives a permission to a role.</summary>
    public override Task<AuthRoleGrantPermissionResponse> RoleGrantPermission(
        AuthRoleGrantPermissionRequest request, ServerCallContext context) =>
        ChangeAsync(
            context, state => AuthDecision.GrantPermission(state, request), () => new AuthRoleGrantPermissionResponse { Header = Header });

    /// <summary>Takes a permission from a role.</summary>
    public override Task<AuthRoleRevokePermissionResponse> RoleRevokePermission(
        AuthRoleRevokePermissionRequest request, ServerCallContext context) =>
        ChangeAsync(
            context, state => AuthDecision.RevokePermission(state, request),
            () => new AuthRoleRevokePermissionResponse { Header = Header });

    /// <summary>Sorted by key, and for one key in the order of the grants. The role root shows its implied permission for all
    /// keys.</summary>
    private static IEnumerable<Permission> Permissions(RoleRecord role) => role.Name == AuthState.Root
        ? [new Permission { PermType = Permission.Types.Type.Readwrite, RangeEnd = ByteString.CopyFrom(0) }]
        : role.Permissions
            .OrderBy(permission => permission.Key, BytesComparer.Instance)
            .Select(permission => new Permission
            {
                PermType = (Permission.Types.Type)permission.Kind,
                Key = ByteString.CopyFrom(permission.Key),
                RangeEnd = ByteString.CopyFrom(permission.RangeEnd),
            });

    private async Task<Caller> AdmitRootAsync(ServerCallContext context)
    {
        Caller caller = await admission.AdmitFreshAsync(context);
        caller.CheckRoot().ThrowIfAny();
        return caller;
    }

    /// <summary>Decides a change on the current state, and again if the state has changed meanwhile.</summary>
    private async Task<T> ChangeAsync<T>(ServerCallContext context, Func<AuthState, AuthEdit?> decide, Func<T> answer)
    {
        while (true)
        {
            Caller caller = await AdmitRootAsync(context);
            AuthEdit? edit = decide(caller.State);
            if (edit is null || await auth.ChangeAsync(caller, context.Peer, edit))
            {
                return answer();
            }
        }
    }

    /// <summary>Hashes a password for root only, because a hash is expensive on purpose.</summary>
    private async Task<byte[]> HashAsync(string password, ServerCallContext context)
    {
        Passwords.CheckLength(password);
        await AdmitRootAsync(context);
        return await auth.Passwords.HashAsync(password);
    }
}
