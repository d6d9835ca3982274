using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PgEtcd.Grpc.Http;
using PgEtcd.Grpc.Local;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Brings gRPC into a host.</summary>
public static class GrpcServicesExtensions
{
    /// <summary>Adds what gRPC services need; MapGrpcService then adds the services.</summary>
    public static IGrpcServerBuilder AddGrpc(this IServiceCollection services, Action<GrpcServiceOptions>? configureOptions = null)
    {
        services.AddOptions<GrpcServiceOptions>();
        if (configureOptions is not null)
            services.Configure(configureOptions);
        services.TryAddSingleton<MethodTable>();
        services.TryAddSingleton(provider => new LocalCalls(provider.GetRequiredService<MethodTable>()));
        services.TryAddSingleton(new ServiceLifetimes(services));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, GrpcStartupFilter>());
        return new Builder(services);
    }

    private sealed record Builder(IServiceCollection Services) : IGrpcServerBuilder;
}
