using Grpc.Core;
using Grpc.Core.Interceptors;
using PgEtcd.Api.Callers;
using PgEtcd.Frontend.Auth;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Calls;

/// <summary>Stands before all services and lets through who may call, by <see cref="RpcAccessTable"/>.</summary>
public sealed class AuthGuard(Admission admission) : Interceptor
{
    /// <inheritdoc/>
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        RpcAccess access = RpcAccessTable.Of(context.Method);
        if (request is AlarmRequest { Action: AlarmRequest.Types.AlarmAction.Get })
        {
            access = RpcAccess.User; // which are raised, any user may know
        }

        return IsFree(access) ? continuation(request, context) : CheckedAsync();

        async Task<TResponse> CheckedAsync()
        {
            await CheckAsync(context, access);
            return await continuation(request, context);
        }
    }

    /// <inheritdoc/>
    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        await CheckAsync(context, RpcAccessTable.Of(context.Method));
        return await continuation(requestStream, context);
    }

    /// <inheritdoc/>
    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        await CheckAsync(context, RpcAccessTable.Of(context.Method));
        await continuation(request, responseStream, context);
    }

    /// <inheritdoc/>
    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        await CheckAsync(context, RpcAccessTable.Of(context.Method));
        await continuation(requestStream, responseStream, context);
    }

    /// <summary>Whether there is nothing to ask here. What is for root only asks always: that auth was switched on a moment ago at
    /// another frontend must not be missed.</summary>
    private bool IsFree(RpcAccess access) =>
        access is RpcAccess.InService or RpcAccess.Anybody || (access == RpcAccess.User && !admission.IsOn);

    private async ValueTask CheckAsync(ServerCallContext context, RpcAccess access)
    {
        if (IsFree(access))
        {
            return;
        }

        try
        {
            Caller caller = access == RpcAccess.User ? await AdmitAsync(context) : await admission.AdmitFreshAsync(context);
            KvError error = access == RpcAccess.User ? caller.CheckUser() : caller.CheckRoot();
            if (error != KvError.None)
            {
                throw error.ToEtcd().ToException();
            }
        }
        catch (Exception exception) when (ServiceErrors.ToRpc(exception) is { } error)
        {
            throw error;
        }
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
