using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.PastBugs;

/// <summary>Leases are not times to live of single keys.</summary>
public sealed class LeaseTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    [Trait("issue", "kine#386")]
    public async Task The_keys_of_a_lease_and_no_others_are_deleted_with_it_in_one_revision()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        long lease = await kv.Channel.GrantAsync(600);
        foreach (string key in new[] { "a", "b", "c", "moved" })
        {
            await kv.SendAsync(Put(key, "1", lease));
        }

        await kv.PutAsync("free", "1");
        long before = await kv.PutAsync("moved", "without a lease now");
        LeaseRevokeResponse revoked = await kv.Channel.RevokeAsync(lease);

        revoked.Header.Revision.ShouldBe(before + 1);
        (await kv.AllAsync()).ShouldBe(["free=1", "moved=without a lease now"]);
        (await kv.AllAsync(before)).Length.ShouldBe(5);
        (await kv.RevisionAsync()).ShouldBe(before + 1);
        (await Sql.ExecuteAsync(database, $"""
            select string_agg(convert_from(key, 'utf8') || sub, ' ' order by sub)
            from pgetcd.revisions where tombstone and revision = {before + 1}
            """)).ShouldBe("a0 b1 c2");
        (await Sql.ExecuteAsync(database, "select count(*) from pgetcd.leases")).ShouldBe(0L);
        await RefusedAsync(() => kv.SendAsync(Put("a", "2", lease)), EtcdErrors.LeaseNotFound);
    }
}
