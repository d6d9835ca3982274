using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace PgEtcd.Grpc.Http;

/// <summary>Remembers how services were registered, which a built provider does not tell.</summary>
internal sealed class ServiceLifetimes(IServiceCollection services)
{
    public ServiceLifetime? Of(Type type) => services.LastOrDefault(s => s.ServiceType == type)?.Lifetime;
}

/// <summary>Gives the object that answers a call.</summary>
internal sealed class ServiceActivator<TService>
    where TService : class
{
    private readonly TService? _singleton;
    private readonly ObjectFactory<TService>? _factory;

    public ServiceActivator(IServiceProvider services)
    {
        switch (services.GetRequiredService<ServiceLifetimes>().Of(typeof(TService)))
        {
            case ServiceLifetime.Singleton:
                _singleton = services.GetRequiredService<TService>();
                break;
            case null:
                _factory = ActivatorUtilities.CreateFactory<TService>([]);
                break;
        }
    }

    public TService Get(HttpContext context)
    {
        if (_singleton is not null)
            return _singleton;
        if (_factory is null)
            return context.RequestServices.GetRequiredService<TService>();
        TService service = _factory(context.RequestServices, null);
        if (service is IAsyncDisposable asyncDisposable)
            context.Response.RegisterForDisposeAsync(asyncDisposable);
        else if (service is IDisposable disposable)
            context.Response.RegisterForDispose(disposable);
        return service;
    }
}
