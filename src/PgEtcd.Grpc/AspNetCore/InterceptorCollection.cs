using System.Diagnostics.CodeAnalysis;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>The interceptors of all services, the outermost first.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "Grpc.AspNetCore calls it so.")]
public class InterceptorCollection
{
    private readonly List<Type> _types = [];

    /// <summary>Adds one: the singleton that is registered, or else one for each service.</summary>
    public void Add<TInterceptor>()
        where TInterceptor : Interceptor => _types.Add(typeof(TInterceptor));

    internal IReadOnlyList<Interceptor> Create(IServiceProvider services) =>
        [.. _types.Select(type => (Interceptor)ActivatorUtilities.GetServiceOrCreateInstance(services, type))];
}
