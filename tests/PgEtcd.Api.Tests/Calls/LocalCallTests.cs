using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using PgEtcd.Api.Tests.Protos;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Calls within the process, which get everything that a call over a connection gets.</summary>
public sealed class LocalCallTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private EchoServer _server = null!;

    public async Task InitializeAsync() => _server = await EchoServer.StartAsync();

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task A_single_request_gets_its_response()
    {
        await using LocalClient call = Start("Unary");
        await SendAsync(call, new EchoMessage { Text = "hello" });
        call.EndRequests();
        (await ReadAsync(call))!.Text.ShouldBe("hello");
        (await ReadAsync(call)).ShouldBeNull();
        call.Status.ShouldBe(Status.DefaultSuccess);
    }

    [Theory]
    [InlineData("fail", StatusCode.NotFound, "nö: 100%\nnothing")]
    [InlineData("throw", StatusCode.Unknown, "Exception was thrown by handler.")]
    [InlineData("status", StatusCode.DataLoss, "set, not thrown")]
    public async Task A_failure_comes_as_its_status(string text, StatusCode code, string detail)
    {
        await using LocalClient call = Start("Unary");
        await SendAsync(call, new EchoMessage { Text = text });
        call.EndRequests();
        (await ReadAsync(call)).ShouldBeNull();
        call.Status.ShouldBe(new Status(code, detail));
    }

    [Theory]
    [InlineData("/pgetcd.test.v1.Echo/Missing", "pgetcd.test.v1.Echo/Missing is not implemented yet")]
    [InlineData("/pgetcd.test.v1.Echo/Nothing", "unknown method Nothing for service pgetcd.test.v1.Echo")]
    [InlineData("/no.Such/Unary", "unknown service no.Such")]
    public async Task An_unknown_method_is_named_in_the_status(string method, string detail)
    {
        await using LocalClient call = LocalClient.Start(_server.Methods, method, Cause(), new HeaderDictionary(), CancellationToken.None);
        await SendAsync(call, new EchoMessage());
        call.EndRequests();
        (await ReadAsync(call)).ShouldBeNull();
        call.Status.ShouldBe(new Status(StatusCode.Unimplemented, detail));
    }

    [Fact]
    public async Task A_message_may_be_as_large_as_over_a_connection_and_no_larger()
    {
        EchoMessage largest = new() { Payload = ByteString.CopyFrom(new byte[EchoServer.MaxMessage - 4]) };
        largest.CalculateSize().ShouldBe(EchoServer.MaxMessage);
        await using LocalClient call = Start("Unary");
        await SendAsync(call, largest);
        call.EndRequests();
        largest.Equals(await ReadAsync(call)).ShouldBeTrue();

        await using LocalClient refused = Start("Unary");
        await SendAsync(refused, new EchoMessage { Payload = ByteString.CopyFrom(new byte[EchoServer.MaxMessage]) });
        refused.EndRequests();
        (await ReadAsync(refused)).ShouldBeNull();
        refused.Status.StatusCode.ShouldBe(StatusCode.ResourceExhausted);
    }

    [Fact]
    public async Task A_large_response_arrives_whole()
    {
        await using LocalClient call = Start("Unary");
        await SendAsync(call, new EchoMessage { Text = "grow", Number = 5_000_000 });
        call.EndRequests();
        (await ReadAsync(call))!.Payload.Length.ShouldBe(5_000_000);
        (await ReadAsync(call)).ShouldBeNull();
    }

    [Fact]
    public async Task Both_sides_may_stream_at_the_same_time()
    {
        await using LocalClient call = Start("Duplex");
        for (int i = 0; i < 100; i++)
        {
            await SendAsync(call, new EchoMessage { Number = i });
            (await ReadAsync(call))!.Number.ShouldBe(i);
        }

        call.EndRequests();
        (await ReadAsync(call)).ShouldBeNull();
        call.Status.ShouldBe(Status.DefaultSuccess);
    }

    [Fact]
    public async Task A_service_waits_for_a_slow_reader()
    {
        await using LocalClient call = Start("ServerStream");
        await SendAsync(call, new EchoMessage { Number = 10_000, Payload = ByteString.CopyFrom(new byte[10_000]) });
        call.EndRequests();
        (await ReadAsync(call))!.Number.ShouldBe(0);
        long written = -1;
        await Testing.Eventually.TrueAsync(
            async () =>
            {
                (long before, written) = (written, _server.Probe.Written);
                await Task.Delay(50);
                return before == written;
            },
            Patience,
            "the service stands still");
        written.ShouldBeInRange(1, 30);
        for (int i = 1; i < 10_000; i++)
        {
            (await ReadAsync(call))!.Number.ShouldBe(i);
        }
    }

    [Theory]
    [InlineData("Unary", "the token fired")]
    [InlineData("Duplex", "the read was refused")]
    [InlineData("ServerStream", "the write was refused")]
    public async Task The_service_notices_an_abandoned_call(string method, string how)
    {
        using CancellationTokenSource gone = new();
        LocalClient call = Start(method, ended: gone.Token);
        await SendAsync(call, new EchoMessage { Text = "wait", Number = 10_000, Payload = ByteString.CopyFrom(new byte[10_000]) });
        if (method != "Duplex")
        {
            call.EndRequests();
        }

        await (method == "Unary" ? _server.Probe.Waiting.Task.WaitAsync(Patience) : ReadAsync(call));

        await gone.CancelAsync();
        await call.DisposeAsync();
        (await _server.Probe.Ended.Task.WaitAsync(Patience)).ShouldBe(how);
        _server.Logs.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_deadline_ends_the_call()
    {
        await using LocalClient call = LocalClient.Start(
            _server.Methods, "/pgetcd.test.v1.Echo/Unary", Cause(), new HeaderDictionary { ["grpc-timeout"] = "100m" },
            CancellationToken.None);
        await SendAsync(call, new EchoMessage { Text = "wait" });
        call.EndRequests();
        (await ReadAsync(call)).ShouldBeNull();
        call.Status.ShouldBe(new Status(StatusCode.DeadlineExceeded, "context deadline exceeded"));
    }

    [Fact]
    public async Task Metadata_and_connection_reach_the_service()
    {
        DefaultHttpContext cause = Cause();
        cause.Connection.RemoteIpAddress = System.Net.IPAddress.Loopback;
        cause.Connection.RemotePort = 4711;
        HeaderDictionary metadata = new() { ["X-Name"] = "value", ["x-some-bin"] = "AP8", ["token"] = new(["a", "b"]) };
        await using LocalClient call = LocalClient.Start(
            _server.Methods, "/pgetcd.test.v1.Echo/Unary", cause, metadata, CancellationToken.None);
        await SendAsync(call, new EchoMessage { Text = "describe" });
        call.EndRequests();
        (await ReadAsync(call))!.Text.ShouldBe(
            "ipv4:127.0.0.1:4711 /pgetcd.test.v1.Echo/Unary token=a token=b x-name=value x-some-bin=00FF");
    }

    private static async Task SendAsync(LocalClient call, EchoMessage message) =>
        await call.SendAsync(message.ToByteArray(), CancellationToken.None);

    private static async Task<EchoMessage?> ReadAsync(LocalClient call)
    {
        using CancellationTokenSource limit = new(Patience);
        return await call.ReadAsync(limit.Token) is { } message ? EchoMessage.Parser.ParseFrom(message) : null;
    }

    private static DefaultHttpContext Cause() => new();

    private LocalClient Start(string method, CancellationToken ended = default) =>
        LocalClient.Start(_server.Methods, $"/pgetcd.test.v1.Echo/{method}", Cause(), new HeaderDictionary(), ended);
}
