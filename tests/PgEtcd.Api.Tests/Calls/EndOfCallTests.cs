using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Tests.Protos;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Deadlines, clients that disconnect, clients that do not read.</summary>
public sealed class EndOfCallTests : IAsyncLifetime
{
    private const string Service = "pgetcd.test.v1.Echo/";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private EchoServer _server = null!;

    public async Task InitializeAsync() => _server = await EchoServer.StartAsync();

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task A_deadline_fires_the_token_and_ends_the_call()
    {
        using GrpcRawCall call = _server.Channel.StartRaw(
            Service + "Unary", new EchoMessage { Text = "wait" }.ToByteArray(), timeout: TimeSpan.FromMilliseconds(100));
        RpcException error = await Should.ThrowAsync<RpcException>(() => call.MoveNextAsync());
        error.Status.ShouldBe(new Status(StatusCode.DeadlineExceeded, "Deadline Exceeded"));
        (await EndAsync()).ShouldBe("the token fired");
        _server.Logs.Errors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Unary")]
    [InlineData("Duplex")]
    public async Task A_deadline_ends_a_call_whose_request_never_comes(string method)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using GrpcRawCall call = _server.Channel.DuplexRaw(Service + method, timeout: TimeSpan.FromMilliseconds(100));
        // The server resets the stream after the status, as it needs no more of the request. HttpClient loses the status if the reset
        // comes before the status was read.
        (await Should.ThrowAsync<RpcException>(() => call.MoveNextAsync())).StatusCode
            .ShouldBeOneOf(StatusCode.DeadlineExceeded, StatusCode.Cancelled);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(15), "it is the server that ends it: the client waits for 20 s more");
    }

    [Fact]
    public async Task A_deadline_that_is_far_away_changes_nothing()
    {
        using GrpcRawCall call = _server.Channel.StartRaw(
            Service + "Unary", new EchoMessage { Text = "x" }.ToByteArray(), new Metadata { { "grpc-timeout", "99999999H" } });
        (await call.MoveNextAsync()).ShouldBeTrue();
        EchoMessage.Parser.ParseFrom(call.Current).Text.ShouldBe("x");
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("5")]
    [InlineData("123456789S")]
    public async Task A_malformed_timeout_is_refused(string timeout)
    {
        RpcException error = await Should.ThrowAsync<RpcException>(async () =>
        {
            using GrpcRawCall call = _server.Channel.StartRaw(Service + "Unary", default, new Metadata { { "grpc-timeout", timeout } });
            await call.MoveNextAsync();
        });
        error.StatusCode.ShouldBe(StatusCode.Internal);
        error.Status.Detail.ShouldContain("malformed grpc-timeout");
    }

    [Theory]
    [InlineData("0S")]
    [InlineData("1n")]
    public async Task A_timeout_of_zero_is_not_taken_for_no_timeout(string timeout)
    {
        RpcException error = await Should.ThrowAsync<RpcException>(async () =>
        {
            using GrpcRawCall call = _server.Channel.StartRaw(Service + "Unary", default, new Metadata { { "grpc-timeout", timeout } });
            await call.MoveNextAsync();
        });
        error.Status.ShouldBe(new Status(StatusCode.DeadlineExceeded, "context deadline exceeded"));
    }

    [Fact]
    public async Task A_client_that_drops_its_call_fires_the_token()
    {
        using (GrpcRawCall call = _server.Channel.StartRaw(Service + "Unary", new EchoMessage { Text = "wait" }.ToByteArray()))
        {
            await _server.Probe.Waiting.Task.WaitAsync(Patience);
        }

        (await EndAsync()).ShouldBe("the token fired");
        _server.Logs.Errors.ShouldBeEmpty();
        (await _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", new EchoMessage { Text = "x" })).Text.ShouldBe("x");
    }

    [Fact]
    public async Task A_client_that_loses_its_connection_fires_the_token()
    {
        await using (GrpcChannel other = new(_server.Address))
        {
            using GrpcRawCall call = other.StartRaw(Service + "Unary", new EchoMessage { Text = "wait" }.ToByteArray());
            await _server.Probe.Waiting.Task.WaitAsync(Patience);
        }

        (await EndAsync()).ShouldBe("the token fired");
    }

    [Fact]
    public async Task A_service_that_reads_from_a_disconnected_client_ends()
    {
        using (GrpcDuplexCall<EchoMessage, EchoMessage> call = _server.Channel.Duplex<EchoMessage, EchoMessage>(Service + "Duplex"))
        {
            await call.WriteAsync(new EchoMessage());
            await call.ReadAsync();
        }

        (await EndAsync()).ShouldBe("the read was refused");
        _server.Logs.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_client_that_stops_reading_blocks_its_own_writer_only()
    {
        const int Size = 10_000;
        byte[] request = new EchoMessage { Number = 1_000_000, Payload = ByteString.CopyFrom(new byte[Size]) }.ToByteArray();
        using (GrpcRawCall call = _server.Channel.StartRaw(Service + "ServerStream", request))
        {
            (await call.MoveNextAsync()).ShouldBeTrue();
            long written = await UntilStill(() => _server.Probe.Written);
            // The client's window (which may have grown) and the server's own buffer; the stream would be 10 GB.
            (written * Size).ShouldBeLessThan(20_000_000);
            (await _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", new EchoMessage { Text = "x" })).Text
                .ShouldBe("x");

            for (long i = 0; i < written; i++)
            {
                (await call.MoveNextAsync()).ShouldBeTrue();
            }

            await Until(() => _server.Probe.Written > written);
        }

        (await EndAsync()).ShouldBe("the write was refused");
    }

    /// <summary>How the service noticed the end of its call.</summary>
    private async Task<string> EndAsync()
    {
        Task<string> ended = _server.Probe.Ended.Task;
        await Task.WhenAny(ended, Task.Delay(Patience));
        return ended.IsCompleted ? await ended : $"it did not; logged: {string.Join(" / ", _server.Logs.Errors)}";
    }

    private static async Task<long> UntilStill(Func<long> value)
    {
        Stopwatch clock = Stopwatch.StartNew();
        long last = -1;
        while (clock.Elapsed < Patience)
        {
            long now = value();
            if (now == last && now > 0)
            {
                return now;
            }

            last = now;
            await Task.Delay(300);
        }

        throw new TimeoutException($"Still moving at {last}.");
    }

    private static async Task Until(Func<bool> condition)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!condition())
        {
            clock.Elapsed.ShouldBeLessThan(Patience);
            await Task.Delay(20);
        }
    }
}
