using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Takes the methods of services as generated code binds them, and puts around each what goes around calls.</summary>
/// <param name="methods">Where the methods go.</param>
internal sealed class CallBinder(MethodTable methods) : ServiceBinderBase
{
    /// <summary>What a stream of responses ends with.</summary>
    private static readonly object Done = new();

    private readonly ServerServiceDefinition.Builder _definition = ServerServiceDefinition.CreateBuilder();

    /// <summary>The methods for the package.</summary>
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
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        Method<TRequest, TResponse> counted = methods.Add(method, out ServedMethod served);
        CallRunner<IAsyncStreamReader<TRequest>, TResponse> runner = new(method, handler!.Invoke, methods, served.Metrics);
        _definition.AddMethod(counted, (IAsyncStreamReader<TRequest> requests, ServerCallContext context) =>
        {
            RemoteCall call = RemoteCall.Of(context);
            return runner.RunAsync(new RequestStream<TRequest>(requests, call, methods.MaxMessageSize), call);
        });
        served.Local = async (requests, responses, call) =>
        {
            TResponse response = await runner.RunAsync(new LocalStreams.Reader<TRequest>(requests, counted.RequestMarshaller, call), call);
            await LocalStreams.WriteAsync(responses, counted.ResponseMarshaller, response, call);
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
                return Done;
            },
            methods,
            served.Metrics);
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
                return Done;
            },
            methods,
            served.Metrics);
        _definition.AddMethod(
            counted,
            async (IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> _, ServerCallContext context) =>
            {
                RemoteCall call = RemoteCall.Of(context);
                RequestStream<TRequest> reader = new(requests, call, methods.MaxMessageSize);
                using ResponseStream<TResponse> responses = new(method.ResponseMarshaller, call, served.Metrics);
                await runner.RunAsync((reader, responses), call);
            });
        served.Local = (requests, responses, call) => runner.RunAsync(
            (new LocalStreams.Reader<TRequest>(requests, counted.RequestMarshaller, call),
                new LocalStreams.Writer<TResponse>(responses, counted.ResponseMarshaller, call)),
            call);
    }
}
