using System.Globalization;
using System.Text.Json.Nodes;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Gateway.GatewayServer;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>The requests of Patroni's etcd3 client (clients.md §4), in the order of its life, with the fields that it reads.</summary>
public sealed class PatroniTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Leader = "/service/batman/leader";

    [Fact]
    public async Task It_discovers_the_cluster_leads_and_is_watched()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(postgres);
        await RunAsync(server);
    }

    /// <summary>The script itself, tested on real etcd.</summary>
    [SkippableFact]
    [Trait("Category", "SelfTest")]
    public async Task With_etcd_it_behaves_the_same()
    {
        SelfTest.SkipUnlessAsked();
        await using GatewayServer etcd = Of(await EtcdServer.StartAsync());
        await RunAsync(etcd);
    }

    private static async Task RunAsync(GatewayServer server)
    {
        // It checks the version, of which every part must be a number.
        JsonObject version = Json.Parse(await server.Http.GetStringAsync("/version"));
        foreach (string name in new[] { "etcdserver", "etcdcluster" })
        {
            ((string)version[name]!).Split('.').Select(part => int.Parse(part, CultureInfo.InvariantCulture)).Count().ShouldBe(3);
        }

        JsonObject members = await server.DoAsync("/v3/cluster/member/list", "{}");
        ((string?)members["members"]![0]!["clientURLs"]![0]).ShouldBe(server.Server.ClientUrl.ToString().TrimEnd('/'));

        // It reads the cluster: everything below its prefix, from any member.
        string all = $$"""{"key":"{{Base64("/service/batman/")}}","range_end":"{{Base64("/service/batman0")}}","serializable":true}""";
        JsonObject empty = await server.DoAsync("/v3/kv/range", all);
        empty.ContainsKey("kvs").ShouldBeFalse();
        long revision = Number(empty["header"]!["revision"]);

        using JsonLines watch = await server.StreamAsync(
            "/v3/watch",
            $$$"""
            {"create_request":{"key":"{{{Base64("/service/batman/")}}}","range_end":"{{{Base64("/service/batman0")}}}",
            "start_revision":"{{{revision}}}","filters":[]}}
            """);
        ((bool?)(await watch.ResultAsync())["created"]).ShouldBe(true);

        // It becomes the leader if there is none.
        string lease = (string)(await server.DoAsync("/v3/lease/grant", """{"TTL":30}"""))["ID"]!;
        long.Parse(lease, CultureInfo.InvariantCulture).ShouldNotBe(0);
        string acquire = $$$$"""
            {"compare":[{"key":"{{{{Base64(Leader)}}}}","target":"CREATE","create_revision":"0"}],
             "success":[{"request_put":{"key":"{{{{Base64(Leader)}}}}","value":"{{{{Base64("node1")}}}}","lease":"{{{{lease}}}}"}}]}
            """;
        JsonObject acquired = await server.DoAsync("/v3/kv/txn", acquire);
        ((bool?)acquired["succeeded"]).ShouldBe(true);
        JsonObject again = await server.DoAsync("/v3/kv/txn", acquire);
        again.ContainsKey("succeeded").ShouldBeFalse("it checks whether the field exists");

        JsonObject put = (await watch.ResultAsync())["events"]![0]!.AsObject();
        put.ContainsKey("type").ShouldBeFalse();
        ((string?)put["kv"]!["value"]).ShouldBe(Base64("node1"));
        string modified = (string)put["kv"]!["mod_revision"]!;

        // It stays the leader: each keep-alive gets one answer, and the connection can be reused.
        JsonObject alive = await server.DoAsync("/v3/lease/keepalive", $$"""{"ID":"{{lease}}"}""");
        ((string?)alive["result"]!["TTL"]).ShouldBe("30");
        string update = $$$$"""
            {"compare":[{"key":"{{{{Base64(Leader)}}}}","target":"MOD","mod_revision":"{{{{modified}}}}"}],
             "success":[{"request_put":{"key":"{{{{Base64("/service/batman/status")}}}}","value":"e30=","lease":"0"}}],
             "failure":[{"request_txn":{"compare":[{"key":"{{{{Base64(Leader)}}}}","target":"CREATE","create_revision":"0"}],
               "success":[{"request_put":{"key":"{{{{Base64(Leader)}}}}","value":"{{{{Base64("node2")}}}}"}}]}}]}
            """;
        ((bool?)(await server.DoAsync("/v3/kv/txn", update))["succeeded"]).ShouldBe(true);
        ((string?)(await watch.ResultAsync())["events"]![0]!["kv"]!["key"]).ShouldBe(Base64("/service/batman/status"));

        // Its lease is revoked, and its key deleted.
        await server.DoAsync("/v3/lease/revoke", $$"""{"ID":"{{lease}}"}""");
        JsonObject gone = (await watch.ResultAsync())["events"]![0]!.AsObject();
        ((string?)gone["type"]).ShouldBe("DELETE");
        JsonObject lost = await server.DoAsync("/v3/lease/keepalive", $$"""{"ID":"{{lease}}"}""");
        lost["result"]!.AsObject().ContainsKey("TTL").ShouldBeFalse("a missing TTL tells it that the lease is lost");

        // Now the other branch runs, and it reads the nested answer.
        JsonObject other = await server.DoAsync("/v3/kv/txn", update);
        other.ContainsKey("succeeded").ShouldBeFalse();
        ((bool?)other["responses"]![0]!["response_txn"]!["succeeded"]).ShouldBe(true);
        (await server.DoAsync("/v3/kv/deleterange", $$"""{"key":"{{Base64(Leader)}}"}"""))["deleted"]!.GetValue<string>().ShouldBe("1");

        // It recognises an error by its text.
        (System.Net.HttpStatusCode status, JsonObject error) = await server.PostAsync(
            "/v3/kv/put", $$"""{"key":"YQ==","lease":"{{lease}}"}""");
        ((int)status, (string?)error["error"], (int?)error["code"]).ShouldBe((404, "etcdserver: requested lease not found", 5));
    }

    private static long Number(JsonNode? text) => long.Parse((string)text!, CultureInfo.InvariantCulture);
}
