using System.Globalization;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>--listen-metrics-urls and --listen-client-http-urls.</summary>
public sealed class ListenerTests(OneServer other, PostgresFixture postgres) : IClassFixture<OneServer>, IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Metrics_listeners_serve_metrics_and_health_and_nothing_else()
    {
        (Uri first, Uri second) = (NewUrl(), NewUrl());
        await using PgEtcdServer server = await StartAsync("--listen-metrics-urls", $"{Show(first)},{Show(second)}");
        foreach (Uri listener in new[] { first, second })
        {
            using HttpProbe http = new(listener);
            foreach (string path in new[] { "/health", "/livez", "/readyz?verbose", "/readyz/linearizable_read", "/metrics" })
            {
                (await http.GetAsync(path)).Status.ShouldBe(200, path);
            }

            foreach (string path in new[] { "/version", "/debug/vars", "/v3/kv/range", "/" })
            {
                (await http.GetAsync(path)).ShouldBe(
                    new HttpProbe.Answer(404, "404 page not found\n", "text/plain; charset=utf-8", null), path);
            }

            await using GrpcChannel grpc = new(listener);
            await Should.ThrowAsync<RpcException>(() => grpc.UnaryRawAsync("etcdserverpb.KV/Range", [], timeout: TimeSpan.FromSeconds(5)));
        }

        using HttpProbe client = new(server.ClientUrl);
        (await client.GetAsync("/metrics")).Status.ShouldBe(200);
        await using Kv kv = new(server);
        await kv.PutAsync("a");
    }

    [Fact]
    public async Task With_HTTP_listeners_the_client_listeners_serve_gRPC_only()
    {
        Uri httpUrl = NewUrl();
        string grpcUrl = $"http://127.0.0.1:{FreePort.Next()}";
        await using ChildProcess process = PgEtcdServer.Launch(
        [
            "--database", await postgres.CreateStoreAsync(), "--listen-client-urls", grpcUrl, "--listen-client-http-urls", Show(httpUrl),
        ]);
        using HttpProbe http = new(httpUrl);
        await process.WaitUntilAsync(async () => (await http.GetAsync("/health")).Status == 200, "it is healthy");
        (await http.GetAsync("/version")).Status.ShouldBe(200);
        (await http.GetAsync("/metrics")).Status.ShouldBe(200);
        await using GrpcChannel grpc = new(new Uri(grpcUrl));
        (await grpc.UnaryAsync<Protocol.Etcdserverpb.PutRequest, Protocol.Etcdserverpb.PutResponse>("etcdserverpb.KV/Put", Kv.Put("a")))
            .Header.Revision.ShouldBe(2);

        using HttpProbe http1ToGrpc = new(new Uri(grpcUrl));
        (await http1ToGrpc.GetAsync("/health")).Status.ShouldBe(400, "Kestrel's answer to HTTP/1.1 where only HTTP/2 is spoken");
        await using GrpcChannel grpcToHttp = new(httpUrl);
        await Should.ThrowAsync<RpcException>(
            () => grpcToHttp.UnaryRawAsync("etcdserverpb.KV/Range", [], timeout: TimeSpan.FromSeconds(5)));

        using HttpClient http2 = new(new SocketsHttpHandler { UseProxy = false });
        using HttpRequestMessage page = new(HttpMethod.Get, new Uri(new Uri(grpcUrl), "/health"))
        {
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage refused = await http2.SendAsync(page);
        ((int)refused.StatusCode).ShouldBe(415);
    }

    [Theory]
    [InlineData("--listen-metrics-urls")]
    [InlineData("--listen-client-http-urls")]
    public async Task A_taken_address_is_named_with_its_flag(string flag)
    {
        await using ChildProcess process = PgEtcdServer.Launch(
        [
            "--database", await postgres.CreateStoreAsync(), "--listen-client-urls", Show(NewUrl()), flag, Show(other.Server.ClientUrl),
        ]);
        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Output.ShouldContain($"{flag}: cannot listen on {Show(other.Server.ClientUrl)}");
    }

    private async Task<PgEtcdServer> StartAsync(params string[] flags) =>
        await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync(), moreArguments: flags);

    private static Uri NewUrl() => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}"));

    private static string Show(Uri url) => url.ToString().TrimEnd('/');
}
