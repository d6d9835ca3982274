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
            bool isForRoot = access == RpcAccess.Root && argument is not AlarmRequest { Action: AlarmRequest.Types.AlarmAction.Get };
            // Methods for root are always checked, because another frontend may have switched auth on a moment ago.
            return isForRoot || admission.IsOn ? CheckAsync(isForRoot, argument, context) : handler(argument, context);
        }

        async Task<TResult> CheckAsync(bool isForRoot, TArgument argument, ServerCallContext context)
        {
            Caller caller = isForRoot ? await admission.AdmitFreshAsync(context) : await AdmitAsync(context);
            (isForRoot ? caller.CheckRoot() : caller.CheckUser()).ThrowIfAny();
            return await handler(argument, context);
        }
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
