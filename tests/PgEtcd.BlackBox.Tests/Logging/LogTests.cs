using System.Text.Json;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Logging;

/// <summary>What the server logs, and what it does not.</summary>
public sealed class LogTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Secret = "hunter2";

    [Fact]
    public async Task Every_line_is_a_JSON_object_with_etcds_keys()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateDatabaseAsync(), moreArguments: ["--log-level", "debug"]);
        (await server.StopAsync()).ShouldBe(0);

        string[] lines = server.Output.Split('\n');
        lines.Length.ShouldBeGreaterThan(3);
        foreach (string line in lines)
        {
            JsonElement json = JsonElement.Parse(line);
            json.GetProperty("level").GetString().ShouldBeOneOf("debug", "info");
            json.GetProperty("ts").GetDateTime().ShouldBe(DateTime.UtcNow, TimeSpan.FromMinutes(1));
            json.GetProperty("msg").GetString().ShouldNotBeNullOrEmpty();
        }

        JsonElement serving = server.Log.Single(line => line.GetProperty("msg").GetString()!.Contains("serves", StringComparison.Ordinal));
        serving.GetProperty("urls").GetString().ShouldBe(server.ClientUrl.ToString().TrimEnd('/'));
        serving.GetProperty("revision").GetInt64().ShouldBe(1);
    }

    [Fact]
    public async Task Console_lines_go_to_the_named_outputs()
    {
        using TempDirectory directory = new("log");
        string file = Path.Combine(directory.Path, "etcd.log");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--log-format", "console", "--log-outputs", $"stdout,{file}"]);
        (await server.StopAsync()).ShouldBe(0);

        string text = await File.ReadAllTextAsync(file);
        text.ShouldMatch(
            @"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  "
            + @"PgEtcd: default serves http://127\.0\.0\.1:\d+ at revision 1, 0 keys$");
        server.Output.ShouldBe(text.TrimEnd('\n'));
    }

    [Fact]
    public async Task A_slow_request_is_logged_with_its_shape_and_without_its_value()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            database, moreArguments: ["--warning-unary-request-duration", "200ms"]);
        await using Kv kv = new(server);
        Task<PutResponse> put;
        await using (await LogLock.TakeAsync(database))
        {
            put = kv.SendAsync(Kv.Put("the/key", Secret));
            await LogLock.AwaitedAsync(database);
            await Task.Delay(300);
        }

        await put;
        await Eventually.TrueAsync(() => Slow(server, "method") is not null && Slow(server, "writes") is not null, "both are warned about");
        JsonElement request = Slow(server, "method")!.Value;
        request.GetProperty("level").GetString().ShouldBe("warn");
        request.GetProperty("method").GetString().ShouldBe("/etcdserverpb.KV/Put");
        request.GetProperty("took").GetString().ShouldNotBeNull().ShouldMatch(@"^(\d{3}(\.\d+)?ms|\d+\.\d+s)$");
        request.GetProperty("expected").GetString().ShouldBe("200ms");
        request.GetProperty("client").GetString().ShouldStartWith("ipv4:127.0.0.1:");
        request.GetProperty("request").GetString().ShouldBe("put \"the/key\", value of 7 bytes");
        request.GetProperty("answer").GetString().ShouldNotBeNull().ShouldMatch(@"^\d+ bytes$");
        JsonElement commit = Slow(server, "writes")!.Value;
        commit.GetProperty("writes").GetInt32().ShouldBe(1);
        commit.GetProperty("expected").GetString().ShouldBe("100ms");
        server.Output.ShouldNotContain(Secret);
    }

    [Fact]
    public async Task Fast_and_properly_refused_requests_are_not_logged()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Kv.Put("")));
        TxnRequest swap = Kv.Txn(Kv.Op(Kv.Put("a")));
        swap.Compare.Add(new Compare { Key = Kv.Bytes("a"), Target = Compare.Types.CompareTarget.Version, Version = 7 });
        (await kv.SendAsync(swap)).Succeeded.ShouldBeFalse();

        server.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_password_of_the_database_is_not_logged_even_when_it_goes_away()
    {
        await using PostgresServer own = await PostgresServer.StartAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            $"{own.ConnectionString()};Password={Secret}", moreArguments: ["--log-level", "debug"]);
        server.Expect("PostgreSQL does not answer, trying again");
        await own.StopAsync();
        await Eventually.TrueAsync(() => server.Complaints.Count > 0, "the outage is noticed");
        (await server.StopAsync()).ShouldBe(0);
        server.Output.ShouldNotContain(Secret);
    }

    [Fact]
    public async Task A_log_file_that_cannot_be_opened_is_named() =>
        (await Starting.Refusal.OfAsync("--database", await postgres.CreateStoreAsync(), "--log-outputs", "/no/such/directory/log"))
            .ShouldStartWith(
            "pgetcd: --log-outputs: /no/such/directory/log cannot be opened: ");

    private static JsonElement? Slow(PgEtcdServer server, string field)
    {
        JsonElement found = server.Log.LastOrDefault(line => line.TryGetProperty("took", out _) && line.TryGetProperty(field, out _));
        return found.ValueKind == JsonValueKind.Undefined ? null : found;
    }
}
