using Grpc.Core;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Callers;

/// <summary>Stands before all services and lets through who may call, by <see cref="RpcAccessTable"/>.</summary>
internal sealed class AuthGuard(Admission admission) : ICallWrapper
{
    /// <inheritdoc/>
    public CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler)
    {
        RpcAccess access = RpcAccessTable.Of(method.FullName);
        return access is RpcAccess.InService or RpcAccess.Anybody ? handler : Checked;

        Task<TResult> Checked(TArgument argument, ServerCallContext context)
        {
            // Which alarms are raised, any user may know.
            RpcAccess needed = argument is AlarmRequest { Action: AlarmRequest.Types.AlarmAction.Get } ? RpcAccess.User : access;
            return IsFree(needed) ? handler(argument, context) : CheckAsync(needed, argument, context);
        }

        async Task<TResult> CheckAsync(RpcAccess needed, TArgument argument, ServerCallContext context)
        {
            await this.CheckAsync(context, needed);
            return await handler(argument, context);
        }
    }

    /// <summary>Whether there is nothing to ask here. What is for root only asks always: that auth was switched on a moment ago at
    /// another frontend must not be missed.</summary>
    private bool IsFree(RpcAccess access) =>
        access == RpcAccess.User && !admission.IsOn;

    private async ValueTask CheckAsync(ServerCallContext context, RpcAccess access)
    {
        Caller caller = access == RpcAccess.User ? await AdmitAsync(context) : await admission.AdmitFreshAsync(context);
        (access == RpcAccess.User ? caller.CheckUser() : caller.CheckRoot()).ThrowIfAny();
    }

    /// <summary>What any user may ask about is asked most of all when the database is away: then what was known last decides.</summary>
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
