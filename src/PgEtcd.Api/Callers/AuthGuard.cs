using Grpc.Core;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Callers;

/// <summary>Runs before all services and admits callers according to <see cref="RpcAccessTable"/>.</summary>
internal sealed class AuthGuard(Admission admission) : ICallWrapper
{
    /// <inheritdoc/>
    public CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler)
    {
        RpcAccess access = RpcAccessTable.Of(method.FullName);
        return access is RpcAccess.InService or RpcAccess.Anybody ? handler : Checked;

        Task<TResult> Checked(TArgument argument, ServerCallContext context)
        {
            // Any user may list the alarms.
            RpcAccess needed = argument is AlarmRequest { Action: AlarmRequest.Types.AlarmAction.Get } ? RpcAccess.User : access;
            return IsFree(needed) ? handler(argument, context) : CheckAsync(needed, argument, context);
        }

        async Task<TResult> CheckAsync(RpcAccess needed, TArgument argument, ServerCallContext context)
        {
            await this.CheckAsync(context, needed);
            return await handler(argument, context);
        }
    }

    /// <summary>Whether no check is needed here. Methods for root are always checked, because another frontend may have switched
    /// auth on a moment ago.</summary>
    private bool IsFree(RpcAccess access) =>
        access == RpcAccess.User && !admission.IsOn;

    private async ValueTask CheckAsync(ServerCallContext context, RpcAccess access)
    {
        Caller caller = access == RpcAccess.User ? await AdmitAsync(context) : await admission.AdmitFreshAsync(context);
        (access == RpcAccess.User ? caller.CheckUser() : caller.CheckRoot()).ThrowIfAny();
    }

    /// <summary>Methods for any user are needed most while the database is unavailable; the last known auth state then
    /// decides.</summary>
    private async ValueTask<Caller> AdmitAsync(ServerCallContext context)
    {
        try
        {
            return await admission.AdmitFreshAsync(context);
        }
        catch (StoreUnavailableException)
        {
            return await admission.AdmitAsync(context);
        }
    }
}
