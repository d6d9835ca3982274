using Grpc.Core;
using PgEtcd.BlackBox.Tests.Auth;
using PgEtcd.BlackBox.Tests.Http;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Roles;

/// <summary>PostgreSQL answers with an error: the schema is renamed for a while, as during a restore (fault A2).</summary>
public sealed class LostSchemaTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_frontend_that_cannot_read_the_log_serves_no_reads_and_follows_it_again_afterwards()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer one = await StartAsync(database, "one");
        await using PgEtcdServer other = await StartAsync(database, "other");
        using HttpProbe http = new(one.ClientUrl);
        await using Kv kv = new(one);
        await kv.PutAsync("secret", "1");
        await using WatchCall watch = new(kv.Channel);
        await watch.CreatedAsync(WatchCall.Prefix("later"));
        RangeRequest local = Range("secret");
        local.Serializable = true;

        await Sql.ExecuteAsync(database, "alter schema pgetcd rename to away");
        await Eventually.TrueAsync(
            async () => await Record.ExceptionAsync(() => kv.SendAsync(local)) is RpcException, Limit, "it trusts no memory");
        (await http.GetAsync("/readyz?exclude=linearizable_read")).Status.ShouldBe(503);
        (await http.GetAsync("/health")).Status.ShouldBe(503);
        (await http.GetAsync("/livez")).Status.ShouldBe(200);
        await one.SaysAsync("In the background: following the log failed");
        (await http.MetricsAsync())["pgetcd_background_failures_total"].ShouldBeGreaterThan(0);
        await Sql.ExecuteAsync(database, "alter schema away rename to pgetcd");

        // Once it is back, all changes by another frontend arrive here without a local write: events, and that auth is on.
        await using Kv there = new(other);
        await Eventually.TrueAsync(
            async () => await Record.ExceptionAsync(() => there.PutAsync("later", "1")) is null, Limit, "the other frontend writes");
        (await watch.NextAsync()).Events.ShouldNotBeEmpty();
        await using AuthClient auth = new(other);
        await auth.EnableAsync();
        await Eventually.TrueAsync(
            async () => await Record.ExceptionAsync(() => kv.SendAsync(local)) is RpcException { Status.Detail: AuthClient.NoUser },
            Limit, "it knows that auth is on");
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health")).Status == 200, Limit, "it is healthy");
    }

    private static async Task<PgEtcdServer> StartAsync(string database, string name)
    {
        PgEtcdServer server = await PgEtcdServer.StartAsync(database, name: name);
        server.Expect("In the background: .* failed and will be tried again", "A watch could not be brought up to date");
        return server;
    }
}
