using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Collects the methods that generated code binds, and wraps the handler of each once. Client streaming is missing, because no
/// service of etcd has such a method.</summary>
internal sealed class CallBinder(MethodTable methods) : ServiceBinderBase
{
    private readonly ServerServiceDefinition.Builder _definition = ServerServiceDefinition.CreateBuilder();

    /// <summary>The collected methods, for the package.</summary>
    public ServerServiceDefinition Build() => _definition.Build();

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        Method<TRequest, TResponse> counted = methods.Add(method, out ServedMethod served);
        CallRunner<TRequest, TResponse> runner = new(method, handler!.Invoke, methods, served.Metrics);
        _definition.AddMethod(counted, (request, context) => runner.RunAsync(request, RemoteCall.Of(context)));
        served.Local = async (requests, responses, call) =>
        {
            TRequest request = await LocalStreams.SingleAsync(requests, counted.RequestMarshaller, call);
            await LocalStreams.WriteAsync(responses, counted.ResponseMarshaller, await runner.RunAsync(request, call), call);
        };
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        Method<TRequest, TResponse> counted = methods.Add(method, out ServedMethod served);
        CallRunner<(TRequest Request, IServerStreamWriter<TResponse> Responses), object> runner = new(
            method,
            async (streams, context) =>
            {
                await handler!(streams.Request, streams.Responses, context);
                return context; // only marks the end of the stream
            },
            methods, served.Metrics);
        _definition.AddMethod(counted, async (TRequest request, IServerStreamWriter<TResponse> _, ServerCallContext context) =>
        {
            RemoteCall call = RemoteCall.Of(context);
            using ResponseStream<TResponse> responses = new(method.ResponseMarshaller, call, served.Metrics);
            await runner.RunAsync((request, responses), call);
        });
        served.Local = async (requests, responses, call) =>
        {
            TRequest request = await LocalStreams.SingleAsync(requests, counted.RequestMarshaller, call);
            await runner.RunAsync((request, new LocalStreams.Writer<TResponse>(responses, counted.ResponseMarshaller, call)), call);
        };
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        Method<TRequest, TResponse> counted = methods.Add(method, out ServedMethod served);
        CallRunner<(IAsyncStreamReader<TRequest> Requests, IServerStreamWriter<TResponse> Responses), object> runner = new(
            method,
            async (streams, context) =>
            {
                await handler!(streams.Requests, streams.Responses, context);
                return context; // only marks the end of the stream
            },
            methods, served.Metrics);
        _definition.AddMethod(
            counted,
            async (IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> _, ServerCallContext context) =>
            {
                RemoteCall call = RemoteCall.Of(context);
                using ResponseStream<TResponse> responses = new(method.ResponseMarshaller, call, served.Metrics);
                await runner.RunAsync((new RequestStream<TRequest>(requests, call, methods.MaxMessageSize), responses), call);
            });
        served.Local = (requests, responses, call) => runner.RunAsync(
            (new LocalStreams.Reader<TRequest>(requests, counted.RequestMarshaller, call),
                new LocalStreams.Writer<TResponse>(responses, counted.ResponseMarshaller, call)),
            call);
    }
}
