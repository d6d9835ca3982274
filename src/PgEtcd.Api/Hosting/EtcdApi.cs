using PgEtcd.Api.Callers;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Locks;
using PgEtcd.Api.Services;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Protocol.V3Electionpb;

namespace PgEtcd.Api.Hosting;

/// <summary>Brings etcd's API into a host.</summary>
public static class EtcdApi
{
    /// <summary>Adds the services. The host adds the parts of the frontend that they work on.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="options">What the host decides.</param>
    public static IServiceCollection AddEtcdApi(this IServiceCollection services, ApiOptions options) => services
        .AddCalls(provider => new CallSettings
        {
            MaxMessageSize = options.Limits.MaxMessageBytes,
            Wrappers =
            [
                .. options.HasTracing ? [new CallTracing()] : Array.Empty<ICallWrapper>(),
                new AuthGuard(provider.GetRequiredService<Admission>()),
            ],
            Unary = provider.GetRequiredService<UnaryCalls>(),
            HasHandlingTimes = options.HasHandlingTimes,
        })
        .AddSingleton(options.Limits)
        .AddSingleton(new ResponseHeaders(options.Identity, options.Term))
        .AddSingleton(provider => new Admission(
            provider.GetRequiredService<AuthStates>(), provider.GetRequiredService<Tail>(), provider.GetRequiredService<ITokens>(),
            options.TrustsCertificates))
        .AddSingleton<UnaryCalls>()
        .AddSingleton<ServingState>()
        .AddSingleton<WatchEncoding>()
        .AddSingleton<KvService>()
        .AddSingleton<LeaseService>()
        .AddSingleton<WatchService>()
        .AddSingleton<ClusterService>()
        .AddSingleton<MaintenanceService>()
        .AddSingleton<AuthService>()
        .AddSingleton<RecipeClient>()
        .AddSingleton<Contenders>()
        .AddSingleton<LeaderChanges>()
        .AddSingleton<LockService>()
        .AddSingleton<ElectionService>()
        .AddSingleton<HealthService>();

    /// <summary>Serves gRPC, ahead of everything that is added after this, and bounds the memory that requests hold, of all
    /// kinds.</summary>
    public static void UseEtcdApi(this WebApplication app)
    {
        IServiceProvider services = app.Services;
        HeldBytes requests = HeldBytes.OfMachine(services.GetRequiredService<RequestLimits>().MaxMessageBytes);
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("PgEtcd.Requests");
        app.Use(next => HeldRequest.Around(next, requests, logger));
        app.UseCalls(
            binder => KvMethods.Bind(binder, services.GetRequiredService<KvService>()),
            binder => WatchMethods.Bind(binder, services.GetRequiredService<WatchService>()),
            binder => Lease.BindService(binder, services.GetRequiredService<LeaseService>()),
            binder => Cluster.BindService(binder, services.GetRequiredService<ClusterService>()),
            binder => Maintenance.BindService(binder, services.GetRequiredService<MaintenanceService>()),
            binder => Protocol.Etcdserverpb.Auth.BindService(binder, services.GetRequiredService<AuthService>()),
            binder => Protocol.V3Lockpb.Lock.BindService(binder, services.GetRequiredService<LockService>()),
            binder => Election.BindService(binder, services.GetRequiredService<ElectionService>()),
            binder => Health.BindService(binder, services.GetRequiredService<HealthService>()),
            ReflectionService.Bind);
    }

    /// <summary>Makes calls that change nothing, so that the first ones of clients need not wait for code to be compiled.</summary>
    public static Task RehearseAsync(IServiceProvider services, CancellationToken cancellationToken) =>
        RehearsedCalls.RunAsync(services, cancellationToken);

    /// <summary>A client's words for a failure of the database; null for any other exception.</summary>
    public static string? Explain(Exception exception) => ServiceErrors.ToRpc(exception)?.Status.Detail;
}
