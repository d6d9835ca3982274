using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace PgEtcd.Grpc.Http;

/// <summary>Answers the calls of one method.</summary>
internal abstract class MethodHandler(MethodTable table, IMethod method)
{
    private readonly MethodMetrics _metrics = new(table, method);

    public abstract Task InvokeAsync(HttpContext context);

    protected ServerCall Begin(HttpContext context) => new(context, table, method, _metrics);
}

internal sealed class UnaryHandler<TService, TRequest, TResponse>(
    MethodTable table,
    Method<TRequest, TResponse> method,
    ServiceActivator<TService> activator,
    Func<TService, TRequest, ServerCallContext, Task<TResponse>> invoke) : MethodHandler(table, method)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    public override async Task InvokeAsync(HttpContext context)
    {
        ServerCall call = Begin(context);
        try
        {
            call.Begin();
            TRequest request = await call.Reader.ReadSingleAsync(method.RequestMarshaller, call.DeadlineToken);
            TResponse response = await invoke(activator.Get(context), request, call);
            call.CompleteWith(method.ResponseMarshaller, response);
        }
        catch (Exception e)
        {
            call.Fail(e);
        }
    }
}

internal sealed class ClientStreamingHandler<TService, TRequest, TResponse>(
    MethodTable table,
    Method<TRequest, TResponse> method,
    ServiceActivator<TService> activator,
    Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>> invoke) : MethodHandler(table, method)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    public override async Task InvokeAsync(HttpContext context)
    {
        ServerCall call = Begin(context);
        try
        {
            call.Begin();
            call.ExpectRequestStream();
            var reader = new ServerStreamReader<TRequest>(call, method.RequestMarshaller);
            TResponse response = await invoke(activator.Get(context), reader, call);
            call.CompleteWith(method.ResponseMarshaller, response);
        }
        catch (Exception e)
        {
            call.Fail(e);
        }
    }
}

internal sealed class ServerStreamingHandler<TService, TRequest, TResponse>(
    MethodTable table,
    Method<TRequest, TResponse> method,
    ServiceActivator<TService> activator,
    Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> invoke) : MethodHandler(table, method)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    public override async Task InvokeAsync(HttpContext context)
    {
        ServerCall call = Begin(context);
        try
        {
            call.Begin();
            TRequest request = await call.Reader.ReadSingleAsync(method.RequestMarshaller, call.DeadlineToken);
            var writer = new ServerStreamWriter<TResponse>(call, method.ResponseMarshaller);
            await invoke(activator.Get(context), request, writer, call);
            call.Complete();
        }
        catch (Exception e)
        {
            call.Fail(e);
        }
    }
}

internal sealed class DuplexStreamingHandler<TService, TRequest, TResponse>(
    MethodTable table,
    Method<TRequest, TResponse> method,
    ServiceActivator<TService> activator,
    Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task> invoke) : MethodHandler(table, method)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    public override async Task InvokeAsync(HttpContext context)
    {
        ServerCall call = Begin(context);
        try
        {
            call.Begin();
            call.ExpectRequestStream();
            var reader = new ServerStreamReader<TRequest>(call, method.RequestMarshaller);
            var writer = new ServerStreamWriter<TResponse>(call, method.ResponseMarshaller);
            await invoke(activator.Get(context), reader, writer, call);
            call.Complete();
        }
        catch (Exception e)
        {
            call.Fail(e);
        }
    }
}
