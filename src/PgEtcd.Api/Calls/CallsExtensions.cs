using Grpc.Core;
using Microsoft.AspNetCore.Routing;

namespace PgEtcd.Api.Calls;

/// <summary>Adds gRPC to a host.</summary>
internal static class CallsExtensions
{
    private const string GrpcContentType = "application/grpc";

    /// <summary>A request of up to this many times the limit is refused with its size. The package refuses larger requests, without
    /// the size.</summary>
    private const int RefusedWithSize = 4;

    /// <summary>Registers the package and the method table; <see cref="UseCalls"/> then adds the services.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="settings">Makes the settings of calls.</param>
    public static IServiceCollection AddCalls(this IServiceCollection services, Func<IServiceProvider, CallSettings> settings)
    {
        services.AddSingleton(provider => new MethodTable(settings(provider), provider.GetRequiredService<ILoggerFactory>()));
        services.AddOptions<global::Grpc.AspNetCore.Server.GrpcServiceOptions>().Configure<MethodTable>((grpc, methods) =>
        {
            grpc.MaxReceiveMessageSize = PackageLimit(methods.MaxMessageSize);
            grpc.MaxSendMessageSize = null;
            grpc.IgnoreUnknownServices = true; // Dispatch answers their calls
        });
        services.AddGrpc();
        return services;
    }

    /// <summary>Serves methods, ahead of all middleware that is added later.</summary>
    /// <param name="app">The pipeline.</param>
    /// <param name="binds">The generated functions that bind services.</param>
    public static void UseCalls(this IApplicationBuilder app, params IEnumerable<Action<ServiceBinderBase>> binds)
    {
        MethodTable methods = app.ApplicationServices.GetRequiredService<MethodTable>();
        Endpoints endpoints = new(app);
        foreach (Action<ServiceBinderBase> bind in binds)
        {
            CallBinder binder = new(methods);
            bind(binder);
            endpoints.MapGrpcService(binder.Build());
        }

        foreach (RouteEndpoint endpoint in endpoints.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>())
        {
            methods.Find(endpoint.RoutePattern.RawText!)!.Remote = endpoint.RequestDelegate;
        }

        app.Use(rest => http => Dispatch(methods, http, rest));
    }

    internal static int PackageLimit(int max) => (int)Math.Min(int.MaxValue, (long)max * RefusedWithSize);

    private static Task Dispatch(MethodTable methods, HttpContext http, RequestDelegate rest)
    {
        HttpRequest request = http.Request;
        ServedMethod? method = methods.Find(request.Path.Value ?? "");
        bool isGrpc = IsGrpc(request.ContentType);
        if (method is null)
        {
            if (!isGrpc || !HttpProtocol.IsHttp2(request.Protocol))
            {
                return rest(http);
            }

            Refusal.Write(http.Response, methods.Unknown(request.Path.Value ?? ""));
            return Task.CompletedTask;
        }

        if (!HttpMethods.IsPost(request.Method))
        {
            http.Response.Headers.Allow = HttpMethods.Post;
            return Refuse(http, StatusCodes.Status405MethodNotAllowed);
        }

        return !isGrpc ? Refuse(http, StatusCodes.Status415UnsupportedMediaType)
            : HttpProtocol.IsHttp2(request.Protocol) ? method.ServeAsync(http)
            : Refuse(http, StatusCodes.Status426UpgradeRequired);
    }

    private static Task Refuse(HttpContext http, int statusCode)
    {
        http.Response.StatusCode = statusCode;
        return Task.CompletedTask;
    }

    // A codec ("+proto") or parameters may follow; "application/grpc-web" is another protocol.
    private static bool IsGrpc(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == GrpcContentType.Length || contentType[GrpcContentType.Length] is '+' or ';');

    /// <summary>Collects the package's endpoints outside of routing.</summary>
    private sealed class Endpoints(IApplicationBuilder app) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => app.ApplicationServices;

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IApplicationBuilder CreateApplicationBuilder() => app.New();
    }
}
