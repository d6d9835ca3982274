using Grpc.Core;
using PgEtcd.Api.Tests.Protos;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Calls that a well-behaved client makes.</summary>
public sealed class CallTests : IAsyncLifetime
{
    private const string Service = "pgetcd.test.v1.Echo/";

    private EchoServer _server = null!;

    public async Task InitializeAsync() => _server = await EchoServer.StartAsync();

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task A_unary_call_is_answered()
    {
        EchoMessage answer = await Unary(new EchoMessage { Text = "hello", Number = -1 });
        answer.ShouldBe(new EchoMessage { Text = "hello", Number = -1 });
    }

    [Fact]
    public async Task An_empty_message_is_answered() => (await Unary(new EchoMessage())).ShouldBe(new EchoMessage());

    [Theory]
    [InlineData(4091)]
    [InlineData(65_000)]
    [InlineData(5_000_000)]
    public async Task A_response_of_any_size_arrives_complete(int size) =>
        (await Unary(new EchoMessage { Text = "grow", Number = size })).Payload.Length.ShouldBe(size);

    [Fact]
    public async Task A_server_stream_arrives_in_order()
    {
        List<long> numbers = new();
        await foreach (EchoMessage message in _server.Channel.ServerStreamAsync<EchoMessage, EchoMessage>(
            Service + "ServerStream", new EchoMessage { Number = 1000 }))
        {
            numbers.Add(message.Number);
        }

        numbers.ShouldBe(Enumerable.Range(0, 1000).Select(i => (long)i));
    }

    [Fact]
    public async Task A_server_stream_may_be_empty_or_end_with_an_error()
    {
        using GrpcDuplexCall<EchoMessage, EchoMessage> empty = Open("ServerStream");
        await empty.WriteAsync(new EchoMessage());
        await empty.CompleteAsync();
        (await empty.MoveNextAsync()).ShouldBeFalse();

        using GrpcDuplexCall<EchoMessage, EchoMessage> failing = Open("ServerStream");
        await failing.WriteAsync(new EchoMessage { Number = 2, Text = "fail at the end" });
        await failing.CompleteAsync();
        (await failing.MoveNextAsync()).ShouldBeTrue();
        (await failing.MoveNextAsync()).ShouldBeTrue();
        (await Should.ThrowAsync<RpcException>(() => failing.MoveNextAsync())).Status.ShouldBe(
            new Status(StatusCode.Aborted, "at the end"));
    }

    [Fact]
    public async Task A_duplex_call_answers_while_requests_come()
    {
        using GrpcDuplexCall<EchoMessage, EchoMessage> call = Open("Duplex");
        for (int i = 0; i < 100; i++)
        {
            await call.WriteAsync(new EchoMessage { Number = i });
            (await call.ReadAsync()).Number.ShouldBe(i);
        }

        await call.CompleteAsync();
        (await call.MoveNextAsync()).ShouldBeFalse();
    }

    [Fact]
    public async Task Messages_sent_together_are_read_one_by_one()
    {
        using GrpcRawCall call = _server.Channel.DuplexRaw(Service + "Duplex");
        byte[] one = GrpcFrame.Wrap(Google.Protobuf.MessageExtensions.ToByteArray(new EchoMessage { Number = 1 }));
        byte[] half = one[..4];
        await call.WriteBytesAsync((byte[])[.. one, .. one, .. half]);
        (await call.MoveNextAsync()).ShouldBeTrue();
        (await call.MoveNextAsync()).ShouldBeTrue();
        await call.WriteBytesAsync(one.AsMemory(4));
        (await call.MoveNextAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Metadata_travels_both_ways()
    {
        Metadata sent = new() { { "x-text", "one" }, { "x-data-bin", new byte[] { 0, 1, 254, 255 } } };
        using GrpcRawCall call = Start(new EchoMessage { Text = "metadata" }, sent, TimeSpan.FromSeconds(30));
        Metadata headers = await call.ResponseHeadersAsync();
        headers.GetValue("early").ShouldBe("bird");
        headers.GetValueBytes("early-bin").ShouldBe([7]);
        (await call.MoveNextAsync()).ShouldBeTrue();
        (await call.MoveNextAsync()).ShouldBeFalse();
        call.Trailers.GetValue("x-text").ShouldBe("one");
        call.Trailers.GetAll("many").Select(e => e.Value).ShouldBe(["1", "2"]);
        call.Trailers.GetValueBytes("x-data-bin").ShouldBe([0, 1, 254, 255]);
        call.Trailers.GetValue("method").ShouldBe("/" + Service + "Unary");
        call.Trailers.GetValue("host").ShouldBe(_server.Address.Authority);
        call.Trailers.GetValue("http").ShouldBe("HTTP/2");
        call.Trailers.GetValue("peer")!.ShouldStartWith("ipv4:127.0.0.1:");
        DateTime.Parse(call.Trailers.GetValue("deadline")!, styles: System.Globalization.DateTimeStyles.AdjustToUniversal)
            .ShouldBe(DateTime.UtcNow.AddSeconds(30), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_status_keeps_its_text_and_trailers()
    {
        RpcException error = await Fails(new EchoMessage { Text = "fail" });
        error.Status.ShouldBe(new Status(StatusCode.NotFound, "nö: 100%\nnothing"));
        error.Trailers.GetValue("why").ShouldBe("asked for");
        error.Trailers.GetValueBytes("proof-bin").ShouldBe([0, 255, 1]);
    }

    [Fact]
    public async Task A_status_may_be_set_instead_of_thrown() =>
        (await Fails(new EchoMessage { Text = "status" })).Status.ShouldBe(new Status(StatusCode.DataLoss, "set, not thrown"));

    [Fact]
    public async Task An_unknown_exception_is_logged_and_hidden_from_the_client()
    {
        (await Fails(new EchoMessage { Text = "throw" })).Status.ShouldBe(
            new Status(StatusCode.Unknown, "Exception was thrown by handler."));
        _server.Logs.Errors.ShouldHaveSingleItem().ShouldContain("a secret");
    }

    [Fact]
    public async Task A_missing_response_is_an_internal_error() =>
        (await Fails(new EchoMessage { Text = "null" })).StatusCode.ShouldBe(StatusCode.Internal);

    [Fact]
    public async Task A_method_the_service_lacks_is_unimplemented()
    {
        RpcException error = await Should.ThrowAsync<RpcException>(
            () => _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Missing", new EchoMessage()));
        error.StatusCode.ShouldBe(StatusCode.Unimplemented);
    }

    [Fact]
    public async Task Many_calls_share_one_connection()
    {
        EchoMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Unary(new EchoMessage { Number = i })));
        answers.Select(a => a.Number).ShouldBe(Enumerable.Range(0, 500).Select(i => (long)i));
    }

    private Task<EchoMessage> Unary(EchoMessage request) =>
        _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", request);

    private async Task<RpcException> Fails(EchoMessage request)
    {
        RpcException error = await Should.ThrowAsync<RpcException>(() => Unary(request));
        (await Unary(new EchoMessage { Text = "after" })).Text.ShouldBe("after");
        return error;
    }

    private GrpcDuplexCall<EchoMessage, EchoMessage> Open(string method) =>
        _server.Channel.Duplex<EchoMessage, EchoMessage>(Service + method);

    private GrpcRawCall Start(EchoMessage request, Metadata? headers = null, TimeSpan? timeout = null) =>
        _server.Channel.StartRaw(Service + "Unary", Google.Protobuf.MessageExtensions.ToByteArray(request), headers, timeout);
}
