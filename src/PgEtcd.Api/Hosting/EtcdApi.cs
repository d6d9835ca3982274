using PgEtcd.Api.Callers;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Locks;
using PgEtcd.Api.Services;
using PgEtcd.Api.Wire;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Protocol.V3Electionpb;

namespace PgEtcd.Api.Hosting;

/// <summary>Adds etcd's API to a host.</summary>
public static class EtcdApi
{
    /// <summary>Adds the API's services. The host adds the parts of the frontend that these depend on.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">The host's settings.</param>
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
        .AddSingleton(provider => ActivatorUtilities.CreateInstance<Admission>(provider, options.TrustsCertificates))
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

    /// <summary>Serves gRPC ahead of all middleware that is added later, and bounds the memory held by requests of every kind.</summary>
    public static void UseEtcdApi(this WebApplication app)
    {
        IServiceProvider services = app.Services;
        HeldBytes requests = HeldBytes.OfMachine(services.GetRequiredService<RequestLimits>().MaxMessageBytes);
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("PgEtcd.Requests");
        app.Use(next => HeldRequest.Around(next, requests, logger));
        app.UseCalls(
            services.GetRequiredService<KvService>().Bind,
            services.GetRequiredService<WatchService>().Bind,
            binder => Lease.BindService(binder, services.GetRequiredService<LeaseService>()),
            binder => Cluster.BindService(binder, services.GetRequiredService<ClusterService>()),
            binder => Maintenance.BindService(binder, services.GetRequiredService<MaintenanceService>()),
            binder => Protocol.Etcdserverpb.Auth.BindService(binder, services.GetRequiredService<AuthService>()),
            binder => Protocol.V3Lockpb.Lock.BindService(binder, services.GetRequiredService<LockService>()),
            binder => Election.BindService(binder, services.GetRequiredService<ElectionService>()),
            binder => Health.BindService(binder, services.GetRequiredService<HealthService>()),
            ReflectionService.Bind);
    }

    /// <summary>The message that clients get for a failure of the database; null for any other exception.</summary>
    public static string? Explain(Exception exception) => ServiceErrors.ToRpc(exception)?.Status.Detail;
}
