using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Gateway.GatewayServer;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>Streams over HTTP: half-closed, dropped, unread, timed out.</summary>
public sealed class GatewayStreamTests(OneGateway one, PostgresFixture postgres) : IClassFixture<OneGateway>, IClassFixture<PostgresFixture>
{
    private const int MiB = 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GatewayServer _server = one.Gateway;

    [Fact]
    public async Task A_transaction_is_one_line_and_several_watches_share_a_body()
    {
        using JsonLines watch = await _server.StreamAsync("/v3/watch", $$$$"""
            {"create_request":{"key":"{{{{Base64("a")}}}}","prev_kv":true}}
            {"create_request":{"key":"{{{{Base64("b")}}}}","filters":["NODELETE"]}}
            this is no JSON and ends what is asked for, and nothing else
            """);
        watch.Response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        ((bool?)(await watch.ResultAsync())["created"]).ShouldBe(true);
        ((string?)(await watch.ResultAsync())["watch_id"]).ShouldBe("1");
        JsonObject txn = await _server.DoAsync("/v3/kv/txn", $$$"""
            {"success":[
                {"request_put":{"key":"{{{Base64("a")}}}","value":"MQ=="}},
                {"request_put":{"key":"{{{Base64("b")}}}","value":"Mg=="}}
            ]}
            """);
        string revision = (string)txn["header"]!["revision"]!;
        JsonObject[] both = [await watch.ResultAsync(), await watch.ResultAsync()];
        both.ShouldAllBe(result => result["events"]!.AsArray().Count == 1 && (string)result["header"]!["revision"]! == revision);
        await _server.DoAsync("/v3/kv/deleterange", $$"""{"key":"{{Base64("a")}}","range_end":"{{Base64("c")}}"}""");
        JsonObject deleted = (await watch.ResultAsync())["events"]![0]!.AsObject();
        ((string?)deleted["type"], (string?)deleted["prev_kv"]!["value"]).ShouldBe(("DELETE", "MQ=="));
    }

    [Fact]
    public async Task A_compacted_start_is_reported_in_the_stream()
    {
        await _server.PutAsync("a", "1");
        string revision = (string)(await _server.PutAsync("a", "2"))["header"]!["revision"]!;
        await _server.DoAsync("/v3/kv/compaction", $$"""{"revision":{{revision}}}""");
        using JsonLines watch = await _server.StreamAsync(
            "/v3/watch", $$$"""{"create_request":{"key":"{{{Base64("a")}}}","start_revision":1}}""");
        ((bool?)(await watch.ResultAsync())["created"]).ShouldBe(true);
        JsonObject canceled = await watch.ResultAsync();
        ((bool?)canceled["canceled"], (string?)canceled["compact_revision"]).ShouldBe((true, revision));
    }

    [Fact]
    public async Task Each_keep_alive_is_answered_and_the_call_ends_with_the_body()
    {
        await _server.DoAsync("/v3/lease/grant", """{"ID":5,"TTL":60}""");
        using JsonLines answers = await _server.StreamAsync("/v3/lease/keepalive", """{"ID":5}{"ID":"6"} {"ID":5}""");
        ((string?)(await answers.ResultAsync())["TTL"]).ShouldBe("60");
        (await answers.ResultAsync()).ContainsKey("TTL").ShouldBeFalse();
        ((string?)(await answers.ResultAsync())["TTL"]).ShouldBe("60");
        (await answers.NextAsync()).ShouldBeNull();
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("""{"create_request":{"key":5}}""")]
    [InlineData("""{"create_request":""")]
    public async Task A_stream_whose_first_request_cannot_be_read_is_refused(string body)
    {
        (HttpStatusCode status, JsonObject answer) = await _server.PostAsync("/v3/watch", body);
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((int?)answer["error"]!["code"], (int?)answer["error"]!["grpc_code"], (int?)answer["error"]!["http_code"]).ShouldBe((3, 3, 400));
        ((string?)answer["error"]!["http_status"]).ShouldBe("Bad Request");
    }

    [Theory]
    [InlineData("1n", HttpStatusCode.GatewayTimeout, 4)]
    [InlineData("soon", HttpStatusCode.BadRequest, 3)]
    public async Task The_clients_deadline_holds(string timeout, HttpStatusCode status, int code)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v3/watch")
        {
            Content = new StringContent(
            """{"create_request":{"key":"YQ=="}}""")
        };
        request.Headers.Add("Grpc-Timeout", timeout);
        using HttpResponseMessage response = await _server.Http.SendAsync(request);
        response.StatusCode.ShouldBe(status);
        (await response.Content.ReadAsStringAsync()).ShouldContain($"\"code\":{code}");
    }

    [Fact]
    public async Task A_client_that_drops_the_connection_ends_its_call()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(postgres, "--log-level", "debug");
        using (TcpClient client = await ConnectAsync(server))
        {
            await WriteAsync(
                client, "POST /v3/lease/keepalive HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"ID\":1}\r\n");
            await ReadUntilAsync(client, "\"ID\":\"1\"");
        }

        await Eventually.TrueAsync(
            () => server.Server.Output.Contains(
                "/etcdserverpb.Lease/LeaseKeepAlive ended after its client had gone", StringComparison.Ordinal),
            Patience,
            "the service notices that its client has gone");
    }

    [Fact]
    public async Task A_watcher_that_does_not_read_costs_little_memory_and_misses_nothing()
    {
        const int Puts = 700;
        using TcpClient client = await ConnectAsync(_server);
        string body = $$$"""{"create_request":{"key":"{{{Base64("big")}}}"}}""";
        await WriteAsync(client, $"POST /v3/watch HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        await ReadUntilAsync(client, "\"created\":true");
        string value = new('v', 300_000);
        await PutAsync(40);
        long before = one.Server.ResidentBytes;
        await PutAsync(Puts - 40);
        ((one.Server.ResidentBytes - before) / MiB).ShouldBeLessThan(140); // more than 200 MB of answers, unread

        string rest = await ReadUntilAsync(client, $"\"version\":\"{Puts}\"");
        Regex.Matches(rest, "\"version\":\"([0-9]+)\"").Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))
            .ShouldBe(Enumerable.Range(1, Puts));

        async Task PutAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                await _server.PutAsync("big", value);
            }
        }
    }

    private static async Task<TcpClient> ConnectAsync(GatewayServer server)
    {
        TcpClient client = new();
        await client.ConnectAsync(server.Server.ClientUrl.Host, server.Server.ClientUrl.Port);
        return client;
    }

    private static async Task WriteAsync(TcpClient client, string text) =>
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));

    private static async Task<string> ReadUntilAsync(TcpClient client, string end)
    {
        StringBuilder all = new();
        byte[] buffer = new byte[MiB];
        while (true)
        {
            int count = await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(Patience);
            count.ShouldBeGreaterThan(0, "the answer ended too early");
            string piece = Encoding.ASCII.GetString(buffer, 0, count);
            all.Append(piece);
            // The end may come in two pieces.
            int tail = Math.Min(all.Length, count + end.Length);
            if (all.ToString(all.Length - tail, tail).Contains(end, StringComparison.Ordinal))
            {
                return all.ToString();
            }
        }
    }
}
