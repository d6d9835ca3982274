using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Fuzz.Tests;

/// <summary>Below the messages: gRPC's frames and headers over valid HTTP/2, and bytes that are hardly HTTP/2.</summary>
public sealed class FramingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Encodings = ["", "identity", "gzip", "deflate", "gzip, gzip", "x"];
    // Short, as some calls wait for something that may never come.
    private static readonly string[] Timeouts = ["500m", "1n", "0H", "99999999n", "100000000S", "-1S", "1", "S", "500m500m"];
    private static readonly string[] ContentTypes =
        [
            "application/grpc", "application/grpc+proto", "application/grpc; charset=x", "application/grpc-web", "application/grpcx",
            "text/plain", "application/json"];

    [Fact]
    public async Task A_body_that_is_not_a_message_gets_a_status()
    {
        await using FuzzedServer server = await FuzzedServer.StartAsync(postgres);
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server.Url };
        await server.AttackAsync(1500, async seed =>
        {
            Random random = new(seed);
            using HttpRequestMessage request = Request(random);
            using HttpResponseMessage response = await http.SendAsync(request);
            await response.Content.ReadAsByteArrayAsync();
            if (response.StatusCode == HttpStatusCode.OK)
            {
                string? status = Value(response.TrailingHeaders, "grpc-status") ?? Value(response.Headers, "grpc-status");
                int.TryParse(status, out int code).ShouldBeTrue($"{request.RequestUri}: {response}");
                code.ShouldBeInRange(0, 16);
            }
            else
            {
                ((int)response.StatusCode).ShouldBeInRange(400, 499, $"{request.RequestUri}: {response}");
            }
        });
    }

    [Fact]
    public async Task A_connection_that_is_not_HTTP_2_ends_without_harm()
    {
        await using FuzzedServer server = await FuzzedServer.StartAsync(postgres);
        await server.AttackAsync(1500, async seed =>
        {
            byte[] sent = Http2Bytes.Make(new Random(seed));
            using TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, server.Url.Port);
            NetworkStream stream = client.GetStream();
            try
            {
                await stream.WriteAsync(sent);
                client.Client.Shutdown(SocketShutdown.Send);
                byte[] buffer = new byte[16 * 1024];
                long received = 0;
                while (await stream.ReadAsync(buffer) is > 0 and var count)
                {
                    received += count;
                    received.ShouldBeLessThan(16 << 20, "the answer to some hundred bytes");
                }
            }
            catch (IOException)
            {
                // The connection was cut off, which is fine too.
            }
        });
    }

    private static HttpRequestMessage Request(Random random)
    {
        MethodDescriptor method = FuzzedServer.Methods[random.Next(FuzzedServer.Methods.Count)];
        byte[] message = RandomMessages.Make(random, method.InputType).ToByteArray();
        bool compressed = random.Next(4) == 0;
        if (compressed && random.Next(4) > 0)
        {
            using MemoryStream packed = new();
            using (GZipStream gzip = new(packed, CompressionLevel.Fastest))
            {
                gzip.Write(random.Next(4) == 0 ? new byte[8 << 20] : message);
            }

            message = packed.ToArray();
        }

        byte[] body = GrpcFrame.Wrap(message, compressed);
        HttpRequestMessage request = new(HttpMethod.Post, $"/{method.Service.FullName}/{method.Name}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(random.Next(4) == 0 ? body : Mutation.Of(random, body)),
        };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(Usually(random, ContentTypes));
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("grpc-timeout", Usually(random, Timeouts));
        request.Headers.TryAddWithoutValidation("grpc-encoding", compressed ? "gzip" : Usually(random, Encodings));
        request.Headers.TryAddWithoutValidation("token", Usually(random, ["", "x.1", "a.b.c", new string('t', 8000)]));
        return request;
    }

    private static string Usually(Random random, string[] choices) => choices[random.Next(2) == 0 ? 0 : random.Next(choices.Length)];

    private static string? Value(HttpHeaders headers, string name) =>
        headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null;
}
