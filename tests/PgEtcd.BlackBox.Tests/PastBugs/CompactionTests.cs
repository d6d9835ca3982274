using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.PastBugs;

/// <summary>What compaction must keep, and what may happen meanwhile.</summary>
public sealed class CompactionTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    [Trait("issue", "etcd#18089")]
    [Trait("issue", "etcd#19179")]
    public async Task After_a_compaction_at_a_delete_the_key_is_absent_and_the_others_are_complete()
    {
        string database = await postgres.CreateStoreAsync();
        long compacted;
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            await kv.PutAsync("a", "1");
            await kv.PutAsync("b", "1");
            await kv.PutAsync("b", "2");
            await kv.PutAsync("c", "1");
            compacted = (await kv.SendAsync(Txn(Op(Delete("a")), Op(Delete("c"))))).Header.Revision;
            await kv.CompactAsync(compacted);
            await kv.PutAsync("a", "again");
            await kv.PutAsync("b", "3");
            await CheckAsync(kv);
            await server.StopAsync();
        }

        // The same from SQL.
        await using PgEtcdServer again = await PgEtcdServer.StartAsync(database);
        await using Kv after = new(again);
        await CheckAsync(after);

        async Task CheckAsync(Kv kv)
        {
            (await kv.AllAsync(compacted)).ShouldBe(["b=2"]);
            (await kv.ReadAsync("a", compacted)).ShouldBeEmpty();
            (await kv.SendAsync(Range("b", compacted))).Kvs.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
                b => b.Version.ShouldBe(2), b => b.CreateRevision.ShouldBe(3), b => b.ModRevision.ShouldBe(4));
            (await kv.AllAsync()).ShouldBe(["a=again", "b=3"]);
            (await kv.SendAsync(Range("a"))).Kvs[0].Version.ShouldBe(1);
            await RefusedAsync(() => kv.ReadAsync("b", compacted - 1), EtcdErrors.Compacted);
        }
    }

    [Fact]
    [Trait("issue", "etcd#17780")]
    public async Task The_revision_does_not_decrease_when_the_last_event_is_a_compacted_delete()
    {
        string database = await postgres.CreateStoreAsync();
        long last;
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            await kv.PutAsync("a", "1");
            last = await kv.DeleteAsync("a");
            await kv.CompactAsync(last);
            (await server.StopAsync()).ShouldBe(0);
        }

        await using PgEtcdServer again = await PgEtcdServer.StartAsync(database);
        await using Kv after = new(again);
        (await after.RevisionAsync()).ShouldBe(last);
        (await after.AllAsync(last)).ShouldBeEmpty();
        await RefusedAsync(() => after.CompactAsync(last), EtcdErrors.Compacted);
        (await after.PutAsync("a", "2")).ShouldBe(last + 1);
        (await after.SendAsync(Range("a"))).Kvs[0].ShouldSatisfyAllConditions(
            a => a.Version.ShouldBe(1), a => a.CreateRevision.ShouldBe(last + 1));
    }

    [Fact]
    [Trait("issue", "kine#414")]
    [Trait("issue", "kine#489")]
    [Trait("issue", "kine#365")]
    [Trait("issue", "kine#220")]
    public async Task Compaction_continues_after_an_outage_of_the_database()
    {
        await using PostgresServer own = await PostgresServer.StartAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(own.ConnectionString());
        await using Kv kv = new(server);
        for (int i = 0; i < 20; i++)
        {
            await kv.PutAsync("a", $"{i}");
        }

        server.Expect("PostgreSQL does not answer, trying again");
        await own.StopAsync();
        Task<Status> during = StatusOfAsync(() => kv.CompactAsync(10));
        await own.RestartAsync();
        (await during).StatusCode.ShouldBeOneOf(StatusCode.OK, StatusCode.Unavailable);

        await Eventually.TrueAsync(
            async () => (await StatusOfAsync(() => kv.CompactAsync(15))).StatusCode is StatusCode.OK or StatusCode.OutOfRange,
            "a later compaction succeeds");
        await RefusedAsync(() => kv.ReadAsync("a", 14), EtcdErrors.Compacted);
        (await kv.ReadAsync("a", 15)).ShouldBe(["a=13"]);
        (await kv.AllAsync()).ShouldBe(["a=19"]);
    }

    private static async Task<Status> StatusOfAsync(Func<Task> call)
    {
        try
        {
            await call();
            return new Status(StatusCode.OK, "");
        }
        catch (RpcException error)
        {
            return error.Status;
        }
    }
}
