using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace PgEtcd.Grpc.Http;

/// <summary>Puts the interceptors around the methods of a service when they are bound, so that a call looks for none.</summary>
internal sealed class Interception<TService>(IServiceProvider services)
    where TService : class
{
    /// <summary>The innermost first.</summary>
    private readonly Interceptor[] _interceptors =
        [.. services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value.Interceptors.Create(services).Reverse()];

    public Func<TService, TRequest, ServerCallContext, Task<TResponse>> Around<TRequest, TResponse>(
        Func<TService, TRequest, ServerCallContext, Task<TResponse>> invoke)
        where TRequest : class
        where TResponse : class
    {
        foreach (Interceptor interceptor in _interceptors)
        {
            Func<TService, TRequest, ServerCallContext, Task<TResponse>> next = invoke;
            Continuation<UnaryServerMethod<TRequest, TResponse>> continuation = new(
                service => (request, context) => next(service, request, context));
            invoke = (service, request, context) => interceptor.UnaryServerHandler(request, context, continuation.For(service));
        }
        return invoke;
    }

    public Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>> Around<TRequest, TResponse>(
        Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>> invoke)
        where TRequest : class
        where TResponse : class
    {
        foreach (Interceptor interceptor in _interceptors)
        {
            Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>> next = invoke;
            Continuation<ClientStreamingServerMethod<TRequest, TResponse>> continuation = new(
                service => (requests, context) => next(service, requests, context));
            invoke = (service, requests, context) => interceptor.ClientStreamingServerHandler(requests, context, continuation.For(service));
        }
        return invoke;
    }

    public Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> Around<TRequest, TResponse>(
        Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> invoke)
        where TRequest : class
        where TResponse : class
    {
        foreach (Interceptor interceptor in _interceptors)
        {
            Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> next = invoke;
            Continuation<ServerStreamingServerMethod<TRequest, TResponse>> continuation = new(
                service => (request, responses, context) => next(service, request, responses, context));
            invoke = (service, request, responses, context) =>
                interceptor.ServerStreamingServerHandler(request, responses, context, continuation.For(service));
        }
        return invoke;
    }

    public Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task> Around<TRequest, TResponse>(
        Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task> invoke)
        where TRequest : class
        where TResponse : class
    {
        foreach (Interceptor interceptor in _interceptors)
        {
            Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task> next = invoke;
            Continuation<DuplexStreamingServerMethod<TRequest, TResponse>> continuation = new(
                service => (requests, responses, context) => next(service, requests, responses, context));
            invoke = (service, requests, responses, context) =>
                interceptor.DuplexStreamingServerHandler(requests, responses, context, continuation.For(service));
        }
        return invoke;
    }

    /// <summary>A method bound to a service. The last one made is kept: a singleton needs no other.</summary>
    private sealed class Continuation<TMethod>(Func<TService, TMethod> bind)
    {
        private Bound? _last;

        public TMethod For(TService service)
        {
            Bound? bound = _last;
            if (bound?.Service != service)
            {
                bound = new Bound(service, bind(service));
                _last = bound;
            }
            return bound.Method;
        }

        private sealed record Bound(TService Service, TMethod Method);
    }
}
