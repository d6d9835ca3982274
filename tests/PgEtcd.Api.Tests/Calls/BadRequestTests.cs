using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Tests.Protos;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Requests of a broken client. Each ends one call and leaves the connection usable.</summary>
[Collection(nameof(Alone))] // allocations are counted for the process
public sealed class BadRequestTests : IAsyncLifetime, IDisposable
{
    private const string Unary = "pgetcd.test.v1.Echo/Unary";
    private static readonly byte[] Good = new EchoMessage { Text = "good" }.ToByteArray();

    private EchoServer _server = null!;
    private HttpClient _http = null!;

    public async Task InitializeAsync()
    {
        _server = await EchoServer.StartAsync();
        _http = new HttpClient { BaseAddress = _server.Address };
    }

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    public void Dispose() => _http.Dispose();

    [Theory]
    [InlineData("no.Such/Method", "unknown service no.Such")]
    [InlineData("pgetcd.test.v1.Echo/Nope", "unknown method Nope for service pgetcd.test.v1.Echo")]
    [InlineData("nothing", "malformed method name: \"/nothing\"")]
    public async Task An_unknown_name_is_unimplemented(string method, string detail)
    {
        using GrpcRawCall call = _server.Channel.StartRaw(method, Good);
        RpcException error = await Should.ThrowAsync<RpcException>(() => call.MoveNextAsync());
        error.Status.ShouldBe(new Status(StatusCode.Unimplemented, detail));
        await StillServes();
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_refused_before_it_is_read()
    {
        Status status = await Send(GrpcFrame.Wrap(new byte[EchoServer.MaxMessage + 1]));
        status.ShouldBe(new Status(StatusCode.ResourceExhausted, "grpc: received message larger than max (100001 vs. 100000)"));
    }

    [Fact]
    public async Task A_message_of_the_largest_size_is_accepted()
    {
        EchoMessage message = new() { Payload = ByteString.CopyFrom(new byte[EchoServer.MaxMessage - 4]) };
        message.CalculateSize().ShouldBe(EchoServer.MaxMessage);
        (await _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Unary, message)).ShouldBe(message);
    }

    [Fact]
    public async Task An_absurd_length_is_refused()
    {
        Status refused = new(StatusCode.ResourceExhausted, "grpc: received message larger than max (more than 400000 vs. 100000)");
        (await Send([0, 255, 255, 255, 255])).ShouldBe(refused);
        (await Send([0, 0, 255, 255, 255])).ShouldBe(refused);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 10 })]
    public async Task A_truncated_frame_is_an_internal_error(byte[] body) =>
        (await Send(body)).ShouldBe(new Status(StatusCode.Internal, "Incomplete message."));

    [Fact]
    public async Task A_truncated_frame_in_a_stream_is_an_internal_error()
    {
        using GrpcRawCall call = _server.Channel.DuplexRaw("pgetcd.test.v1.Echo/Duplex");
        await call.WriteAsync(Good);
        await call.WriteBytesAsync(new byte[] { 0, 0, 0 });
        await call.CompleteAsync();
        (await call.MoveNextAsync()).ShouldBeTrue();
        (await Should.ThrowAsync<RpcException>(() => call.MoveNextAsync())).Status.ShouldBe(
            new Status(StatusCode.Internal, "Incomplete message."));
        await StillServes();
    }

    [Fact]
    public async Task Malformed_protobuf_is_an_internal_error()
    {
        Status status = await Send(GrpcFrame.Wrap([255, 255, 255]));
        status.StatusCode.ShouldBe(StatusCode.Internal);
        status.Detail.ShouldStartWith("grpc: error unmarshalling request: ");
    }

    [Fact]
    public async Task Two_messages_in_a_unary_call_are_an_internal_error() =>
        (await Send([.. GrpcFrame.Wrap(Good), .. GrpcFrame.Wrap(Good)])).StatusCode.ShouldBe(StatusCode.Internal);

    [Fact]
    public async Task An_unknown_flag_is_an_internal_error() =>
        (await Send([7, 0, 0, 0, 0])).StatusCode.ShouldBe(StatusCode.Internal);

    [Fact]
    public async Task A_gzip_message_is_read() =>
        (await Send(GrpcFrame.Wrap(Gzip(Good), compressed: true), "gzip")).ShouldBe(Status.DefaultSuccess);

    [Fact]
    public async Task A_plain_message_is_read_under_gzip_too() =>
        (await Send(GrpcFrame.Wrap(Good), "gzip")).ShouldBe(Status.DefaultSuccess);

    [Theory]
    [InlineData(300_000, "grpc: received message larger than max (300000 vs. 100000)")]
    [InlineData(5_000_000, "grpc: received message larger than max (more than 400000 vs. 100000)")]
    public async Task A_message_that_is_too_large_when_decompressed_is_refused(int size, string words)
    {
        byte[] bomb = Gzip(new byte[size]);
        bomb.Length.ShouldBeLessThan(EchoServer.MaxMessage);
        (await Send(GrpcFrame.Wrap(bomb, compressed: true), "gzip")).ShouldBe(new Status(StatusCode.ResourceExhausted, words));
    }

    [Fact]
    public async Task A_gzip_bomb_is_not_fully_decompressed()
    {
        byte[] bomb = Gzip(new byte[35_000_000]);
        bomb.Length.ShouldBeLessThan(EchoServer.MaxMessage * 4);
        long before = GC.GetTotalAllocatedBytes();
        for (int i = 0; i < 10; i++)
        {
            (await Send(GrpcFrame.Wrap(bomb, compressed: true), "gzip")).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        }

        (GC.GetTotalAllocatedBytes() - before).ShouldBeLessThan(10 * 20_000_000L); // client, server and the code between
    }

    [Fact]
    public async Task Broken_gzip_and_unannounced_compression_are_internal_errors()
    {
        (await Send(GrpcFrame.Wrap([1, 2, 3], compressed: true), "gzip")).StatusCode.ShouldBe(StatusCode.Internal);
        (await Send(GrpcFrame.Wrap(Gzip(Good), compressed: true))).StatusCode.ShouldBe(StatusCode.Internal);
    }

    [Fact]
    public async Task An_unknown_encoding_is_unimplemented_and_the_accepted_ones_are_named()
    {
        using HttpResponseMessage response = await Post(GrpcFrame.Wrap(Good, compressed: true), "snappy");
        StatusOf(response).StatusCode.ShouldBe(StatusCode.Unimplemented);
        response.Headers.GetValues("grpc-accept-encoding").Single().ShouldContain("gzip");
        await StillServes();
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc-web")]
    [InlineData(null)]
    public async Task A_foreign_content_type_is_refused_with_an_HTTP_status(string? contentType)
    {
        using HttpResponseMessage response = await Post(GrpcFrame.Wrap(Good), contentType: contentType);
        response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        await StillServes();
    }

    [Fact]
    public async Task A_content_type_with_a_codec_is_accepted()
    {
        using HttpResponseMessage response = await Post(GrpcFrame.Wrap(Good), contentType: "application/grpc+proto");
        response.Content.Headers.ContentType.ShouldBe(new MediaTypeHeaderValue("application/grpc"));
        StatusOf(response).ShouldBe(Status.DefaultSuccess);
    }

    [Fact]
    public async Task A_foreign_HTTP_method_is_refused_with_an_HTTP_status()
    {
        using HttpRequestMessage request =
            new(HttpMethod.Get, Unary) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage response = await _http.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        await StillServes();
    }

    [Fact]
    public async Task Malformed_binary_metadata_does_not_reach_the_service_as_bytes()
    {
        RpcException error = await Should.ThrowAsync<RpcException>(async () =>
        {
            using HttpResponseMessage response = await Post(
                GrpcFrame.Wrap(new EchoMessage { Text = "metadata" }.ToByteArray()), header: ("x-bad-bin", "*"));
            throw new RpcException(StatusOf(response));
        });
        error.StatusCode.ShouldBe(StatusCode.Internal);
    }

    private static byte[] Gzip(byte[] bytes)
    {
        MemoryStream output = new();
        using (GZipStream gzip = new(output, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return output.ToArray();
    }

    private async Task<Status> Send(byte[] body, string? encoding = null)
    {
        using HttpResponseMessage response = await Post(body, encoding);
        await StillServes();
        return StatusOf(response);
    }

    private async Task<HttpResponseMessage> Post(
        byte[] body, string? encoding = null, string? contentType = "application/grpc", (string Key, string Value)? header = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, Unary)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        if (contentType is not null)
        {
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        }

        if (encoding is not null)
        {
            request.Headers.Add("grpc-encoding", encoding);
        }

        if (header is { } extra)
        {
            request.Headers.Add(extra.Key, extra.Value);
        }

        return await _http.SendAsync(request);
    }

    private static Status StatusOf(HttpResponseMessage response)
    {
        HttpResponseHeaders from = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        StatusCode code = (StatusCode)int.Parse(from.GetValues("grpc-status").Single(), System.Globalization.CultureInfo.InvariantCulture);
        return new Status(code, Uri.UnescapeDataString(from.TryGetValues("grpc-message", out IEnumerable<string>? m) ? m.Single() : ""));
    }

    private async Task StillServes()
    {
        using HttpResponseMessage response = await Post(GrpcFrame.Wrap(Good));
        StatusOf(response).ShouldBe(Status.DefaultSuccess);
        (await _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Unary, new EchoMessage { Text = "x" })).Text.ShouldBe("x");
    }
}
