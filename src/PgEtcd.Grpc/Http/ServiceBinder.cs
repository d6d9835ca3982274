using System.Reflection;
using Grpc.Core;

namespace PgEtcd.Grpc.Http;

/// <summary>
/// Puts the methods of one service into the table. The delegates are open: the instance is chosen per call.
/// </summary>
internal sealed class ServiceBinder<TService>(MethodTable table, IServiceProvider services) : ServiceBinderBase
    where TService : class
{
    private readonly ServiceActivator<TService> _activator = new(services);
    private readonly Interception<TService> _interception = new(services);

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        var invoke = Open<Func<TService, TRequest, ServerCallContext, Task<TResponse>>>(method, typeof(TRequest), typeof(ServerCallContext));
        table.Add(method, new UnaryHandler<TService, TRequest, TResponse>(table, method, _activator, _interception.Around(invoke)));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var invoke = Open<Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>>>(
            method, typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext));
        table.Add(method, new ClientStreamingHandler<TService, TRequest, TResponse>(table, method, _activator, _interception.Around(invoke)));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var invoke = Open<Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task>>(
            method, typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        table.Add(method, new ServerStreamingHandler<TService, TRequest, TResponse>(table, method, _activator, _interception.Around(invoke)));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var invoke = Open<Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task>>(
            method, typeof(IAsyncStreamReader<TRequest>), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        table.Add(method, new DuplexStreamingHandler<TService, TRequest, TResponse>(table, method, _activator, _interception.Around(invoke)));
    }

    private static TDelegate Open<TDelegate>(IMethod method, params Type[] parameters)
        where TDelegate : Delegate
    {
        MethodInfo function = typeof(TService).GetMethod(method.Name, BindingFlags.Public | BindingFlags.Instance, parameters)
            ?? throw new InvalidOperationException($"{typeof(TService)} has no method for {method.FullName}.");
        return function.CreateDelegate<TDelegate>();
    }
}
