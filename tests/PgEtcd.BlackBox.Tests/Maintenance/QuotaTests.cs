using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;
using static PgEtcd.Protocol.Etcdserverpb.AlarmRequest.Types;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>--quota-backend-bytes: raised by itself, lowered by whoever makes room (docs/decisions/0009).</summary>
public sealed class QuotaTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const long Quota = 6_000_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly string Value = new('x', 200_000);

    [Fact]
    public async Task A_full_store_raises_the_alarm_and_writes_again_after_a_compaction_and_a_disarm()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer limited = await PgEtcdServer.StartAsync(database, name: "limited", moreArguments: ["--quota-backend-bytes", $"{Quota}"]);
        await using PgEtcdServer unlimited = await PgEtcdServer.StartAsync(database, name: "unlimited");
        await using Kv kv = new(limited);
        await using Kv other = new(unlimited);
        (await kv.StatusAsync()).DbSizeQuota.ShouldBe(Quota);
        (await other.StatusAsync()).DbSizeQuota.ShouldBe(0);

        // The same key again and again: what fills the store is its past.
        int puts = 0;
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await kv.PutAsync("k", Value);
                puts++;
                return false;
            }
            catch (RpcException exception) when (exception.Status.Equals(EtcdErrors.NoSpace.Status))
            {
                return true;
            }
        }, Limit, "the store is full");
        puts.ShouldBeGreaterThan(20);
        StatusResponse full = await kv.StatusAsync();
        full.DbSizeInUse.ShouldBeGreaterThan(Quota * 9 / 10);
        (await other.AlarmAsync(AlarmAction.Get)).ShouldBe([new AlarmMember { MemberID = full.Header.MemberId, Alarm = AlarmType.Nospace }]);
        await RefusedAsync(() => other.PutAsync("small"), EtcdErrors.NoSpace);
        await RefusedAsync(() => kv.Channel.GrantAsync(60), EtcdErrors.NoSpace);

        // Disarmed without room it is raised again.
        await kv.DisarmAsync();
        await RefusedAsync(() => kv.PutAsync("k", Value), EtcdErrors.NoSpace);
        (await kv.AlarmAsync(AlarmAction.Get)).Length.ShouldBe(1);

        await kv.CompactAsync(await kv.RevisionAsync(), physical: true, timeout: Limit);
        await kv.DefragmentAsync();
        StatusResponse compacted = await kv.StatusAsync();
        compacted.DbSizeInUse.ShouldBeLessThan(Quota / 2);
        compacted.DbSize.ShouldBeGreaterThanOrEqualTo(compacted.DbSizeInUse);
        await RefusedAsync(() => kv.PutAsync("k", Value), EtcdErrors.NoSpace);
        await kv.DisarmAsync();
        await kv.PutAsync("k", Value);
        await other.PutAsync("small");
    }

    [Fact]
    public async Task What_alone_exceeds_the_quota_is_refused_and_what_adds_nothing_never()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--quota-backend-bytes", "1000000"]);
        await using Kv kv = new(server);
        string large = new('x', 1_000_000);

        await RefusedAsync(() => kv.SendAsync(Txn(Op(Put("k", large)), Op(Put("k", large)))), EtcdErrors.NoSpace); // before it is found to be wrong
        await kv.DisarmAsync();
        await kv.DeleteAsync("k");
        await kv.SendAsync(Txn(Op(Delete("k"))));
        (await kv.AlarmAsync(AlarmAction.Get)).ShouldBeEmpty();
    }
}
