using System.Collections.Concurrent;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using PgEtcd.Grpc.Tests.Protos;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.Grpc.Tests;

/// <summary>Interceptors stand around every kind of call, in the order in which they were added.</summary>
public sealed class InterceptorTests : IAsyncLifetime
{
    private const string Service = "pgetcd.test.v1.Echo/";

    private readonly Journal _journal = new();
    private EchoServer _server = null!;

    public async Task InitializeAsync() => _server = await EchoServer.StartAsync(services =>
    {
        services.AddSingleton(_journal);
        services.Configure<GrpcServiceOptions>(options =>
        {
            options.Interceptors.Add<Outer>();
            options.Interceptors.Add<Inner>();
        });
    });

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task A_unary_call_passes_through_all_of_them()
    {
        (await _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", new EchoMessage { Text = "x" })).Text.ShouldBe("x");
        _journal.ShouldBe(["outer Unary", "inner Unary", "inner ends", "outer ends"]);
    }

    [Fact]
    public async Task A_failure_passes_through_all_of_them()
    {
        RpcException error = await Should.ThrowAsync<RpcException>(() => _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", new EchoMessage { Text = "fail" }));
        error.StatusCode.ShouldBe(StatusCode.NotFound);
        error.Trailers.GetValue("why").ShouldBe("asked for");
        _journal.ShouldBe(["outer Unary", "inner Unary", "inner ends", "outer ends"]);
    }

    [Fact]
    public async Task Streams_pass_through_all_of_them()
    {
        int messages = 0;
        await foreach (EchoMessage _ in _server.Channel.ServerStreamAsync<EchoMessage, EchoMessage>(Service + "ServerStream", new EchoMessage { Number = 3 }))
            messages++;
        messages.ShouldBe(3);
        await using (GrpcDuplexCall<EchoMessage, EchoMessage> call = _server.Channel.Duplex<EchoMessage, EchoMessage>(Service + "ClientStream"))
        {
            await call.WriteAsync(new EchoMessage { Text = "a" });
            await call.CompleteAsync();
            (await call.ReadAsync()).Number.ShouldBe(1);
        }
        await using (GrpcDuplexCall<EchoMessage, EchoMessage> call = _server.Channel.Duplex<EchoMessage, EchoMessage>(Service + "Duplex"))
        {
            await call.WriteAsync(new EchoMessage { Text = "a" });
            (await call.ReadAsync()).Text.ShouldBe("a");
            await call.CompleteAsync();
            (await call.MoveNextAsync()).ShouldBeFalse();
        }
        _journal.Where(line => line.StartsWith("outer", StringComparison.Ordinal)).ShouldBe(
            ["outer ServerStream", "outer ends", "outer ClientStream", "outer ends", "outer Duplex", "outer ends"]);
        _journal.Where(line => line.StartsWith("inner", StringComparison.Ordinal)).Count().ShouldBe(6);
    }

    private sealed class Journal : ConcurrentQueue<string>;

    private sealed class Outer(Journal journal) : Recorder(journal, "outer");

    private sealed class Inner(Journal journal) : Recorder(journal, "inner");

    private abstract class Recorder(Journal journal, string name) : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(context, () => continuation(request, context));

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(context, () => continuation(requestStream, context));

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request,
            IServerStreamWriter<TResponse> responseStream,
            ServerCallContext context,
            ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(context, async () =>
            {
                await continuation(request, responseStream, context);
                return true;
            });

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream,
            IServerStreamWriter<TResponse> responseStream,
            ServerCallContext context,
            DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
            AroundAsync(context, async () =>
            {
                await continuation(requestStream, responseStream, context);
                return true;
            });

        private async Task<T> AroundAsync<T>(ServerCallContext context, Func<Task<T>> call)
        {
            journal.Enqueue($"{name} {context.Method.Split('/')[^1]}");
            try
            {
                return await call();
            }
            finally
            {
                journal.Enqueue($"{name} ends");
            }
        }
    }
}
