using Grpc.Core;
using PgEtcd.Api.Calls;
using PgEtcd.Protocol.GrpcHealth;
using static PgEtcd.Protocol.GrpcHealth.HealthCheckResponse.Types;

namespace PgEtcd.Api.Services;

/// <summary>grpc.health.v1.Health. As in etcd, only the server as a whole is known, by the name "".</summary>
internal sealed class HealthService(ServingState state, IHostApplicationLifetime lifetime) : Health.HealthBase
{
    private const string Server = "";

    /// <summary>The current state.</summary>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        request.Service == Server
            ? Task.FromResult(Response(state.Current.Status))
            : throw new RpcException(new Status(StatusCode.NotFound, "unknown service"));

    /// <summary>The state of all services.</summary>
    public override Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context) =>
        Task.FromResult(new HealthListResponse { Statuses = { [Server] = Response(state.Current.Status) } });

    /// <summary>Sends the state now and at each change. An unknown service could appear later, so its stream stays open too.</summary>
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        Task never = Task.Delay(Timeout.InfiniteTimeSpan, ended.Token);
        ServingStatus? told = null;
        try
        {
            while (true)
            {
                (ServingStatus status, Task changed) = Now();
                await responseStream.WriteAsync(Response(status), ended.Token);
                told = status;
                await changed.WaitAsync(ended.Token);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // The last change comes shortly before the end and may not have been sent.
            if (told != Now().Status)
            {
                await responseStream.WriteAsync(Response(Now().Status), context.CancellationToken);
            }

            throw Protocol.EtcdErrors.Stopped.ToException();
        }

        (ServingStatus Status, Task Changed) Now() => request.Service == Server ? state.Current : (ServingStatus.ServiceUnknown, never);
    }

    private static HealthCheckResponse Response(ServingStatus status) => new() { Status = status };
}
