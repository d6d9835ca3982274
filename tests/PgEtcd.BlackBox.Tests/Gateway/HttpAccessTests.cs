using System.Net;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>--cors, --host-whitelist and --enable-grpc-gateway.</summary>
public sealed class HttpAccessTests(HttpAccessTests.Open open, HttpAccessTests.Listing listing, PostgresFixture postgres)
    : IClassFixture<HttpAccessTests.Open>, IClassFixture<HttpAccessTests.Listing>, IClassFixture<PostgresFixture>
{
    private const string Methods = "POST, GET, OPTIONS, PUT, DELETE";
    private const string Headers = "accept, content-type, authorization";

    [Theory]
    [InlineData(null, "*")]
    [InlineData("https://anybody.example", "*")]
    public Task Pages_of_any_origin_may_use_the_server(string? origin, string? allowed) => AllowsAsync(open, origin, allowed);

    [Theory]
    [InlineData("https://a.example", "https://a.example")]
    [InlineData("http://b.example:81", "http://b.example:81")]
    [InlineData("http://a.example", null)]
    [InlineData("https://b.example", null)]
    [InlineData(null, null)]
    public Task Pages_of_allowed_origins_may_use_the_server(string? origin, string? allowed) => AllowsAsync(listing, origin, allowed);

    [Fact]
    public Task With_any_host_allowed_every_request_is_served() => DirectsAsync(open, "anything.example", 200);

    [Theory]
    [InlineData("etcd.example", 200)]
    [InlineData("ETCD.example:2379", 200)]
    [InlineData("[::1]:2379", 200)]
    [InlineData("evil.example", 421)]
    [InlineData("evil.example:2379", 421)]
    [InlineData("etcd.example.evil.example", 421)]
    public Task Requests_for_other_hosts_are_misdirected(string host, int status) => DirectsAsync(listing, host, status);

    [Fact]
    public async Task Without_the_gateway_all_else_is_served()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(postgres, "--enable-grpc-gateway=false");
        using StringContent body = new("""{"key":"YQ=="}""");
        using HttpResponseMessage gateway = await server.Http.PostAsync("/v3/kv/range", body);
        gateway.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using HttpResponseMessage version = await server.Http.GetAsync("/version");
        version.StatusCode.ShouldBe(HttpStatusCode.OK);
        await using Kv kv = new(server.Server);
        (await kv.PutAsync("a", "b")).ShouldBe(2);
    }

    [Theory]
    [InlineData("--cors=example.com", "--cors must be * or a list of origins such as https://example.com, not \"example.com\".")]
    [InlineData(
        "--cors=https://a.example/path",
        "--cors must be * or a list of origins such as https://example.com, not \"https://a.example/path\".")]
    [InlineData("--enable-grpc-gateway=maybe", "--enable-grpc-gateway must be true or false, not \"maybe\".")]
    public async Task Bad_values_are_refused_with_one_sentence(string flag, string sentence)
    {
        await using ChildProcess process = PgEtcdServer.Launch(["--database", "postgres://nobody@127.0.0.1:1/x", flag]);
        (await process.WaitForExitAsync()).ShouldNotBe(0);
        process.Output.ShouldContain(sentence);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.Single() : null;

    private static async Task AllowsAsync(OneGateway server, string? origin, string? allowed)
    {
        foreach (string path in new[] { "/v3/kv/range", "/health", "/nothing" })
        {
            foreach (HttpMethod method in new[] { HttpMethod.Options, HttpMethod.Get })
            {
                using HttpRequestMessage request = new(method, path);
                if (origin is not null)
                {
                    request.Headers.Add("Origin", origin);
                }

                using HttpResponseMessage response = await server.Gateway.Http.SendAsync(request);
                Header(response, "Access-Control-Allow-Origin").ShouldBe(allowed);
                Header(response, "Access-Control-Allow-Methods").ShouldBe(allowed is null ? null : Methods);
                Header(response, "Access-Control-Allow-Headers").ShouldBe(allowed is null ? null : Headers);
                if (method == HttpMethod.Options)
                {
                    response.StatusCode.ShouldBe(HttpStatusCode.OK);
                }
            }
        }
    }

    private static async Task DirectsAsync(OneGateway server, string host, int status)
    {
        foreach (string path in new[] { "/v3/kv/range", "/health" })
        {
            using HttpRequestMessage request = new(path == "/health" ? HttpMethod.Get : HttpMethod.Post, path)
            {
                Headers = { Host = host },
                Content = path == "/health" ? null : new StringContent("""{"key":"YQ=="}"""),
            };
            using HttpResponseMessage response = await server.Gateway.Http.SendAsync(request);
            ((int)response.StatusCode).ShouldBe(status);
        }
    }

    /// <summary>All origins and hosts are allowed.</summary>
    public sealed class Open() : OneGateway(["--cors", "*", "--host-whitelist", "*"]);

    /// <summary>Both flags are lists; no host and no origin is on the wrong list.</summary>
    public sealed class Listing() : OneGateway(
        ["--cors", "https://a.example,http://b.example:81/", "--host-whitelist", "127.0.0.1,etcd.example,::1"]);
}
