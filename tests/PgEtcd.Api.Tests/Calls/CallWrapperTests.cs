using System.Collections.Concurrent;
using Grpc.Core;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Tests.Protos;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Wrappers run around every kind of call, in the order of their registration.</summary>
public sealed class CallWrapperTests : IAsyncLifetime
{
    private const string Service = "pgetcd.test.v1.Echo/";

    private readonly Journal _journal = new();
    private EchoServer _server = null!;

    public async Task InitializeAsync() =>
        _server = await EchoServer.StartAsync(wrappers: [new Recorder(_journal, "outer"), new Recorder(_journal, "inner")]);

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
        RpcException error = await Should.ThrowAsync<RpcException>(
            () => _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", new EchoMessage { Text = "fail" }));
        error.StatusCode.ShouldBe(StatusCode.NotFound);
        error.Trailers.GetValue("why").ShouldBe("asked for");
        _journal.ShouldBe(["outer Unary", "inner Unary", "inner ends", "outer ends"]);
    }

    [Fact]
    public async Task Streams_pass_through_all_of_them()
    {
        int messages = 0;
        await foreach (EchoMessage _ in _server.Channel.ServerStreamAsync<EchoMessage, EchoMessage>(
            Service + "ServerStream", new EchoMessage { Number = 3 }))
        {
            messages++;
        }

        messages.ShouldBe(3);
        await using (GrpcDuplexCall<EchoMessage, EchoMessage> call = _server.Channel.Duplex<EchoMessage, EchoMessage>(Service + "Duplex"))
        {
            await call.WriteAsync(new EchoMessage { Text = "a" });
            (await call.ReadAsync()).Text.ShouldBe("a");
            await call.CompleteAsync();
            (await call.MoveNextAsync()).ShouldBeFalse();
        }

        _journal.Where(line => line.StartsWith("outer", StringComparison.Ordinal)).ShouldBe(
            ["outer ServerStream", "outer ends", "outer Duplex", "outer ends"]);
        _journal.Where(line => line.StartsWith("inner", StringComparison.Ordinal)).Count().ShouldBe(4);
    }

    private sealed class Journal : ConcurrentQueue<string>;

    private sealed class Recorder(Journal journal, string name) : ICallWrapper
    {
        public CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler) =>
            async (argument, context) =>
            {
                journal.Enqueue($"{name} {method.Name}");
                context.Method.ShouldBe(method.FullName);
                try
                {
                    return await handler(argument, context);
                }
                finally
                {
                    journal.Enqueue($"{name} ends");
                }
            };
    }
}
