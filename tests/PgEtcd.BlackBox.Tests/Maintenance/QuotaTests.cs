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

/// <summary>--quota-backend-bytes: the alarm is raised automatically, and cleared by the operator (docs/decisions/0009).</summary>
public sealed class QuotaTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const long Quota = 6_000_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly string Value = new('x', 200_000);

    [Fact]
    public async Task A_full_store_raises_the_alarm_and_accepts_writes_after_a_compaction_and_a_disarm()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer limited = await PgEtcdServer.StartAsync(
            database, name: "limited", moreArguments: ["--quota-backend-bytes", $"{Quota}"]);
        await using PgEtcdServer unlimited = await PgEtcdServer.StartAsync(database, name: "unlimited");
        await using Kv kv = new(limited);
        await using Kv other = new(unlimited);
        (await kv.StatusAsync()).DbSizeQuota.ShouldBe(Quota);
        (await other.StatusAsync()).DbSizeQuota.ShouldBe(0);

        // The same key again and again, so that the history fills the store.
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
        (await other.AlarmAsync(AlarmAction.Get)).ShouldBe(
            [new AlarmMember { MemberID = full.Header.MemberId, Alarm = AlarmType.Nospace }]);
        await RefusedAsync(() => other.PutAsync("small"), EtcdErrors.NoSpace);
        await RefusedAsync(() => kv.Channel.GrantAsync(60), EtcdErrors.NoSpace);

        // Disarmed without room, the alarm is raised again.
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

    /// <summary>Writes since the last measurement count (fault C17).</summary>
    [Fact]
    public async Task A_put_that_no_longer_fits_is_refused_even_if_it_comes_together_with_the_previous_one()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--quota-backend-bytes", "1920000"]);
        await using Kv kv = new(server);
        string large = new('x', 1_500_000);
        await kv.PutAsync("small"); // now the store has been measured

        await kv.PutAsync("a", large);
        await RefusedAsync(() => kv.PutAsync("b", large), EtcdErrors.NoSpace);

        await kv.DeleteAsync("a");
        await kv.CompactAsync(await kv.RevisionAsync(), physical: true, timeout: Limit);
        await kv.DisarmAsync();
        string part = new('x', 100_000);
        Exception?[] refusals = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(i => Record.ExceptionAsync(() => kv.PutAsync($"part{i}", part)))).WaitAsync(Limit);
        int parts = refusals.Count(refusal => refusal is null);
        parts.ShouldBeLessThan(20, "no more fit, and the alarm also refuses some that would fit");
        await kv.DisarmAsync();
        RpcException refused = await Should.ThrowAsync<RpcException>(async () =>
        {
            for (; ; parts++)
            {
                await kv.PutAsync($"more{parts}", part);
            }
        });
        refused.Status.ShouldBe(EtcdErrors.NoSpace.Status);
        parts.ShouldBeInRange(17, 19);
        (await kv.StatusAsync()).DbSizeInUse.ShouldBeInRange(1_700_000, 1_920_000);
    }

    /// <summary>Another frontend's writes count as soon as this frontend has heard of them (fault C17).</summary>
    [Fact]
    public async Task Two_frontends_share_a_quota()
    {
        string database = await postgres.CreateStoreAsync();
        string[] flags = ["--quota-backend-bytes", "3000000"];
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first", moreArguments: flags);
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(database, name: "second", moreArguments: flags);
        await using Kv one = new(first);
        await using Kv two = new(second);
        string part = new('x', 200_000);
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await one.PutAsync("one", part);
                await two.PutAsync("two", part);
                await one.ReadAsync("two"); // now it has heard of the write
                return false;
            }
            catch (RpcException exception) when (exception.Status.Equals(EtcdErrors.NoSpace.Status))
            {
                return true;
            }
        }, Limit, "the store is full");

        (await one.StatusAsync()).DbSizeInUse.ShouldBeInRange(2_600_000, 3_000_000);
    }

    /// <summary>An empty store leaves all of a small quota free (fault C17).</summary>
    [Fact]
    public async Task An_empty_store_leaves_all_of_a_small_quota_free()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--quota-backend-bytes", "100000"]);
        await using Kv kv = new(server);
        for (int i = 0; i < 10; i++)
        {
            await kv.PutAsync($"k{i}", new string('x', 5000));
        }

        await RefusedAsync(() => kv.PutAsync("large", new string('x', 60_000)), EtcdErrors.NoSpace);
    }

    [Fact]
    public async Task A_put_larger_than_the_quota_is_refused_and_a_request_that_adds_nothing_never_is()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--quota-backend-bytes", "1000000"]);
        await using Kv kv = new(server);
        string large = new('x', 1_000_000);

        // Before it is found to be wrong
        await RefusedAsync(() => kv.SendAsync(Txn(Op(Put("k", large)), Op(Put("k", large)))), EtcdErrors.NoSpace);
        await kv.DisarmAsync();
        await kv.DeleteAsync("k");
        await kv.SendAsync(Txn(Op(Delete("k"))));
        (await kv.AlarmAsync(AlarmAction.Get)).ShouldBeEmpty();
    }
}
