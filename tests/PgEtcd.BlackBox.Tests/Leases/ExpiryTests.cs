using System.Diagnostics;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Leases;

/// <summary>Leases expire on time: not early, and not much later.</summary>
public sealed class ExpiryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>The delay allowed for a loaded machine.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(15);

    [Fact]
    [Trait("issue", "kine#386")]
    public async Task The_keys_of_a_lease_are_deleted_in_one_revision_soon_after_its_end()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        Stopwatch since = Stopwatch.StartNew();
        long first = await kv.Channel.GrantAsync(2);
        long second = await kv.Channel.GrantAsync(2);
        TimeSpan granted = since.Elapsed;
        foreach ((string key, long lease) in new[] { ("c", first), ("x", second), ("a", first), ("b", first), ("free", 0L) })
        {
            await kv.SendAsync(Put(key, "1", lease));
        }

        while ((await kv.AllAsync()).Length == 5)
        {
            since.Elapsed.ShouldBeLessThan(granted + TimeSpan.FromSeconds(2) + Slack);
            await Task.Delay(20); // polls; the lease must expire by itself, and not early
        }

        since.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2));
        await Eventually.TrueAsync(async () => (await kv.AllAsync()).Length == 1, "the other goes too");
        (await Sql.ExecuteAsync(database, """
            select string_agg(keys || ' ' || client, ', ' order by revision) from (
                select revision, string_agg(convert_from(key, 'utf8') || sub, ' ' order by sub) as keys,
                    min(split_part(client, '#', 1)) as client
                from pgetcd.revisions where tombstone group by revision) deleted
            """)).ShouldBeOneOf("a0 b1 c2 lease expiry, x0 lease expiry", "x0 lease expiry, a0 b1 c2 lease expiry");
        (await kv.RevisionAsync()).ShouldBe(8);
        (await kv.Channel.LeasesAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_thousand_leases_that_expire_together_are_revoked_within_seconds()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        await Task.WhenAll(Enumerable.Range(1, 1000).Select(async id =>
        {
            await kv.Channel.GrantAsync(600, id);
            await kv.SendAsync(Put($"key{id}", "1", id));
        }));
        long before = await kv.RevisionAsync();
        await Sql.ExecuteAsync(database, "update pgetcd.leases set expires_at = clock_timestamp()");

        await Eventually.TrueAsync(async () => (await kv.AllAsync()).Length == 0, "all are gone");
        (await kv.RevisionAsync()).ShouldBe(before + 1000);
        server.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task After_a_restart_of_PostgreSQL_leases_have_their_full_TTL_again()
    {
        await using PostgresServer database = await PostgresServer.StartAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database.ConnectionString());
        await using Kv kv = new(server);
        long lease = await kv.Channel.GrantAsync(4);
        await kv.SendAsync(Put("a", "1", lease));
        await Eventually.TrueAsync(
            async () => (await kv.Channel.TimeToLiveAsync(lease)).TTL <= 1, "most of the TTL is over");
        server.Expect("PostgreSQL does not answer, trying again");
        await database.StopAsync();
        using GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = kv.Channel.KeepAlive();
        Task<Protocol.Etcdserverpb.LeaseKeepAliveResponse> asked = stream.AskAsync(lease);
        await Task.Delay(2500); // the lease's end passes while no client can renew it
        await database.RestartAsync();

        Stopwatch since = Stopwatch.StartNew();
        (await asked).TTL.ShouldBe(4);
        await Eventually.TrueAsync(
            () => server.Output.Contains("1 leases have their full TTL again", StringComparison.Ordinal), "it is renewed");
        (await kv.AllAsync()).ShouldBe(["a=1"]);
        await Eventually.TrueAsync(async () => (await kv.AllAsync()).Length == 0, "it ends");
        since.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(4));
    }
}
