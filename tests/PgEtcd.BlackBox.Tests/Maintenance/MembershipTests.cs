using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>The running frontends are the members; requests to change membership get etcd's codes and a sentence.</summary>
public sealed class MembershipTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_dead_member_can_be_removed_and_a_live_one_cannot()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first");
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(database, name: "second");
        await using Kv kv = new(first);
        ulong[] ids = [.. (await kv.MembersAsync()).Members.OrderBy(member => member.Name).Select(member => member.ID)];

        (await RefusalAsync(() => kv.RemoveMemberAsync(ids[1]))).ShouldBe(
            (StatusCode.FailedPrecondition, "pgetcd: this frontend is running; stop it, and it leaves the list by itself"));
        await Kv.RefusedAsync(() => kv.RemoveMemberAsync(99), EtcdErrors.MemberNotFound);

        await second.Kill9Async();
        MemberRemoveResponse removed = new();
        await Eventually.TrueAsync(async () =>
        {
            removed = await kv.RemoveMemberAsync(ids[1]);
            return true;
        }, "it is dead");
        removed.Members.Select(member => member.ID).ShouldBe([ids[0]]);
        removed.Header.Revision.ShouldBe(0);
        await Kv.RefusedAsync(() => kv.RemoveMemberAsync(ids[1]), EtcdErrors.MemberNotFound);
    }

    [Fact]
    public async Task Members_cannot_be_added_changed_or_promoted()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        ulong self = (await kv.MembersAsync()).Header.MemberId;

        (await RefusalAsync(() => AddAsync("http://127.0.0.1:1"))).ShouldBe(
            (StatusCode.FailedPrecondition, "pgetcd: a frontend joins by itself when it is started on the same database and schema"));
        await Kv.RefusedAsync(() => AddAsync(), EtcdErrors.MemberBadURLs);
        await Kv.RefusedAsync(() => AddAsync("http://127.0.0.1:1", "nonsense"), EtcdErrors.MemberBadURLs);
        (await RefusalAsync(() => UpdateAsync(self))).ShouldBe((
            StatusCode.FailedPrecondition, "pgetcd: a frontend's peer URLs are those it was started with (--initial-advertise-peer-urls)"));
        await Kv.RefusedAsync(() => UpdateAsync(5), EtcdErrors.MemberNotFound);
        await Kv.RefusedAsync(() => PromoteAsync(self), EtcdErrors.MemberNotLearner);
        await Kv.RefusedAsync(() => PromoteAsync(5), EtcdErrors.MemberNotFound);

        Task AddAsync(params string[] urls) => kv.Channel.UnaryAsync<MemberAddRequest, MemberAddResponse>(
            "etcdserverpb.Cluster/MemberAdd", new MemberAddRequest { PeerURLs = { urls } });

        Task UpdateAsync(ulong id) => kv.Channel.UnaryAsync<MemberUpdateRequest, MemberUpdateResponse>(
            "etcdserverpb.Cluster/MemberUpdate", new MemberUpdateRequest { ID = id, PeerURLs = { "http://127.0.0.1:1" } });

        Task PromoteAsync(ulong id) => kv.Channel.UnaryAsync<MemberPromoteRequest, MemberPromoteResponse>(
            "etcdserverpb.Cluster/MemberPromote", new MemberPromoteRequest { ID = id });
    }

    private static async Task<(StatusCode Code, string Sentence)> RefusalAsync(Func<Task> call)
    {
        Status status = (await Should.ThrowAsync<RpcException>(call)).Status;
        return (status.StatusCode, status.Detail);
    }
}
