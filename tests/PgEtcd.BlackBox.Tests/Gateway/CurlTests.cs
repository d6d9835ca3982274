using System.Text.Json.Nodes;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>curl as in etcd's documentation.</summary>
public sealed class CurlTests(OneGateway one) : IClassFixture<OneGateway>
{
    private const string Program = "/usr/bin/curl";
    private const int TimedOut = 28;

    private readonly GatewayServer _server = one.Gateway;

    [SkippableTheory]
    [InlineData("--http1.0")]
    [InlineData("--http1.1")]
    [InlineData("--http2-prior-knowledge")]
    public async Task Put_get_and_txn_work_in_every_HTTP(string version)
    {
        await _server.DoAsync("/v3/kv/deleterange", """{"key":"Zm9v"}""");
        string put = await CurlAsync(
            version, "-L", $"http://{_server.Authority}/v3/kv/put", "-X", "POST", "-d", """{"key": "Zm9v", "value": "YmFy"}""");
        string revision = (string)Json.Parse(put)["header"]!["revision"]!;
        JsonObject got = Json.Parse(await CurlAsync(version, $"http://{_server.Authority}/v3/kv/range", "-d", """{"key": "Zm9v"}"""));
        got["kvs"]![0]!["value"]!.GetValue<string>().ShouldBe("YmFy");
        got["kvs"]![0]!["mod_revision"]!.GetValue<string>().ShouldBe(revision);
        string txn = await CurlAsync(
            version, $"http://{_server.Authority}/v3/kv/txn", "--json",
            $$$"""
            {"compare":[{"target":"CREATE","key":"Zm9v","createRevision":"{{{revision}}}"}],
            "success":[{"requestPut":{"key":"Zm9v","value":"YmFy"}}]}
            """);
        ((bool?)Json.Parse(txn)["succeeded"]).ShouldBe(true);
    }

    [SkippableFact]
    public async Task A_body_in_chunks_works()
    {
        string put = await CurlAsync(
            $"http://{_server.Authority}/v3/kv/put", "-H", "Transfer-Encoding: chunked", "-d", """{"key": "Zm9v", "value": "YmFy"}""");
        Json.Parse(put)["header"]!["revision"].ShouldNotBeNull();
    }

    [SkippableTheory]
    [InlineData("--http1.1")]
    [InlineData("--http2-prior-knowledge")]
    public async Task A_watch_goes_on_after_its_request_and_answers_at_once(string version)
    {
        RequireCurl();
        Task<CommandResult> watching = Command.RunAsync(
            Program,
            [
                "-sN", version, "--max-time", "3", $"http://{_server.Authority}/v3/watch",
                "-d", """{"create_request": {"key": "d2F0Y2hlZA=="}}""",
            ]);
        while (!watching.IsCompleted)
        {
            await _server.PutAsync("watched", "x");
            await Task.Delay(100);
        }

        CommandResult result = await watching;
        result.ExitCode.ShouldBe(TimedOut);
        JsonObject[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json.Parse)];
        ((bool?)lines[0]["result"]!["created"]).ShouldBe(true);
        lines.Length.ShouldBeGreaterThan(5);
        lines.Skip(1).ShouldAllBe(line => (string)line["result"]!["events"]![0]!["kv"]!["key"]! == "d2F0Y2hlZA==");
    }

    [SkippableFact]
    public async Task An_error_has_its_status_and_its_type()
    {
        string answer = await CurlAsync("-i", $"http://{_server.Authority}/v3/kv/range", "-d", "{}");
        answer.ShouldStartWith("HTTP/1.1 400 Bad Request");
        answer.ShouldContain("Content-Type: application/json");
        answer.ShouldEndWith("""{"error":"etcdserver: key is not provided","code":3,"message":"etcdserver: key is not provided"}""");
    }

    private static async Task<string> CurlAsync(params string[] arguments)
    {
        RequireCurl();
        return await Command.CheckAsync(Program, ["-sS", "--max-time", "20", .. arguments]);
    }

    private static void RequireCurl() => Tool.Require(Program, "curl");
}
