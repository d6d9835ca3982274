using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Gateway.GatewayServer;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>Any bad request gets a JSON answer with a suitable status, and the server keeps serving.</summary>
public sealed class BadGatewayRequestTests(OneGateway one) : IClassFixture<OneGateway>
{
    private const int MaxMessage = 1572864 + (512 * 1024);

    private static readonly string[] Requests =
    [
        """{"key":"Zm9v","range_end":"Z28=","limit":"5","sort_order":"DESCEND","serializable":true,"x":[1,{"y":null}]}""",
        """{"compare":[{"target":"CREATE","key":"Zm9v","create_revision":0}],"success":["""
            + """{"request_put":{"key":"YQ==","value":"\u0041A=="}},{"request_txn":{"failure":[]}}]}""",
        """{"ID":"77","TTL":1e2}""",
        """{"key":"YQ==","value":"AAECAwQFBgc=","prev_kv":true,"ignore_lease":false}""",
    ];

    private readonly GatewayServer _server = one.Gateway;

    [Fact]
    public async Task Damaged_requests_are_refused_in_JSON()
    {
        string[] paths = ["/v3/kv/range", "/v3/kv/txn", "/v3/lease/grant", "/v3/kv/put", "/v3/lease/keepalive"];
        Random random = new(4);
        HashSet<HttpStatusCode> seen = [];
        for (int i = 0; i < 1500; i++)
        {
            using ByteArrayContent body = new(Damaged(random, Requests[random.Next(Requests.Length)]));
            using HttpResponseMessage response = await _server.Http.PostAsync(paths[random.Next(paths.Length)], body);
            seen.Add(response.StatusCode);
            string text = await response.Content.ReadAsStringAsync();
            if (text.Length > 0)
            {
                Json.Parse(text.Split('\n')[0]);
            }
        }

        seen.ShouldBeSubsetOf([HttpStatusCode.OK, HttpStatusCode.BadRequest]);
        seen.Count.ShouldBe(2);
        await _server.PutAsync("still", "there");
    }

    [Fact]
    public async Task A_request_may_be_as_large_as_over_gRPC_and_no_larger()
    {
        (HttpStatusCode status, _) = await _server.PostAsync("/v3/kv/put", Put(1_500_000));
        status.ShouldBe(HttpStatusCode.OK);
        (status, JsonObject answer) = await _server.PostAsync("/v3/kv/put", Put(1_600_000));
        (status, (string?)answer["message"]).ShouldBe((HttpStatusCode.BadRequest, "etcdserver: request is too large"));
        (status, answer) = await _server.PostAsync("/v3/kv/put", Put(MaxMessage));
        (status, (int?)answer["code"]).ShouldBe((HttpStatusCode.TooManyRequests, 8));
        ((string?)answer["message"])!.ShouldStartWith("grpc: received message larger than max (");
    }

    [Fact]
    public async Task An_endless_body_is_not_buffered()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        using HttpRequestMessage request = new(HttpMethod.Post, "/v3/kv/put") { Content = new Endless() };
        try
        {
            using HttpResponseMessage response = await _server.Http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            response.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        }
        catch (HttpRequestException)
        {
            // The server closed the connection while the test was sending, which is fine too.
        }

        await _server.PutAsync("still", "there");
    }

    [Fact]
    public async Task The_deepest_transaction_works_and_a_deeper_one_is_refused()
    {
        await _server.PutAsync("a", "");
        (HttpStatusCode status, JsonObject answer) = await _server.PostAsync("/v3/kv/txn", Nested(50));
        status.ShouldBe(HttpStatusCode.OK);
        for (int i = 0; i < 49; i++)
        {
            answer = answer["responses"]![0]!["response_txn"]!.AsObject();
        }

        answer["responses"]![0]!["response_range"]!["kvs"]![0]!["key"]!.GetValue<string>().ShouldBe(Base64("a"));
        (status, answer) = await _server.PostAsync("/v3/kv/txn", Nested(51));
        (status, (int?)answer["code"]).ShouldBe((HttpStatusCode.BadRequest, 3));

        static string Nested(int levels) =>
            string.Concat(Enumerable.Repeat("{\"success\":[{\"request_txn\":", levels - 1))
                + "{\"success\":[{\"request_range\":{\"key\":\"" + Base64("a") + "\"}}]}"
                + string.Concat(Enumerable.Repeat("}]}", levels - 1));
    }

    [Theory]
    [InlineData("Grpc-Metadata-Token", "x")]
    [InlineData("Grpc-Metadata-", "x")]
    [InlineData("Grpc-Metadata-Grpc-Timeout", "nonsense")]
    [InlineData("Grpc-Metadata-Content-Type", "nonsense")]
    [InlineData("Grpc-Metadata-Some-Bin", "AA")]
    [InlineData("Authorization", "Bearer x")]
    public async Task Odd_metadata_is_harmless(string name, string value)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v3/kv/range") { Content = new StringContent("""{"key":"YQ=="}""") };
        request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await _server.Http.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static string Put(int length) => $$"""{"key":"YQ==","value":"{{Base64(new string('v', length))}}"}""";

    private static byte[] Damaged(Random random, string request)
    {
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(request)];
        for (int i = random.Next(4); i >= 0 && bytes.Count > 0; i--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, "{}[]\",:\\0-eE.n"u8[random.Next(14)]);
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(bytes.Count - at)));
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>A string that never ends.</summary>
    private sealed class Endless : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("{\"key\":\""u8.ToArray());
            byte[] piece = Encoding.ASCII.GetBytes(new string('A', 64 * 1024));
            for (int i = 0; i < 1600; i++)
            {
                await stream.WriteAsync(piece);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
