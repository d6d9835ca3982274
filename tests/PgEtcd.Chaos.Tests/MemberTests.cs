using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>Frontends come and go, and MemberList at any of them shows it.</summary>
public sealed class MemberTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task The_list_has_the_live_frontends_with_their_addresses()
    {
        string database = await postgres.CreateStoreAsync();
        PgEtcdServer[] frontends = await Task.WhenAll(
            Enumerable.Range(1, 3).Select(number => PgEtcdServer.StartAsync(database, name: $"frontend{number}")));
        try
        {
            MemberListResponse listed = await ListAsync(frontends[0]);
            listed.Header.Revision.ShouldBe(0);
            listed.Members.Select(member => member.ID).ShouldBe(listed.Members.Select(member => member.ID).Order());
            listed.Members.Select(member => member.Name).Order().ShouldBe(["frontend1", "frontend2", "frontend3"]);
            listed.Members.SelectMany(member => member.ClientURLs).Order()
                .ShouldBe(frontends.Select(frontend => frontend.ClientUrl.ToString().TrimEnd('/')).Order());
            listed.Members.ShouldAllBe(member => member.PeerURLs.Count == 1 && !member.IsLearner);
            listed.Members.ShouldContain(member => member.ID == listed.Header.MemberId && member.Name == "frontend1");
            await Eventually.TrueAsync(
                async () => (await ListAsync(frontends[1], linearizable: false)).Members.Count == 3, "all have heard of all");

            await frontends[2].Kill9Async();
            await Eventually.TrueAsync(async () => (await NamesAsync(frontends[0])) == "frontend1 frontend2", "the dead one vanishes");

            (await frontends[1].StopAsync()).ShouldBe(0);
            (await NamesAsync(frontends[0])).ShouldBe("frontend1");
        }
        finally
        {
            foreach (PgEtcdServer frontend in frontends)
            {
                await frontend.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task Frontends_of_one_name_are_different_members_and_a_restart_is_the_same_one()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer one = await PgEtcdServer.StartAsync(database);
        await using PgEtcdServer other = await PgEtcdServer.StartAsync(database);
        ulong first = (await ListAsync(one)).Header.MemberId;
        ulong second = (await ListAsync(other)).Header.MemberId;

        first.ShouldBe(0x8e9e05c52164694dUL, "the id that a default etcd has");
        (await ListAsync(one)).Members.Select(member => member.ID).ShouldBe(new[] { first, second }.Order());

        await other.Kill9Async();
        await using PgEtcdServer again = await PgEtcdServer.StartAsync(database, port: other.ClientUrl.Port);
        (await ListAsync(again)).Header.MemberId.ShouldBe(second);
        (await ListAsync(again)).Members.Count.ShouldBe(2);
    }

    private static async Task<string> NamesAsync(PgEtcdServer frontend) =>
        string.Join(' ', (await ListAsync(frontend)).Members.Select(member => member.Name).Order());

    private static async Task<MemberListResponse> ListAsync(PgEtcdServer frontend, bool linearizable = true)
    {
        await using GrpcChannel channel = new(frontend.ClientUrl);
        return await channel.UnaryAsync<MemberListRequest, MemberListResponse>(
            "etcdserverpb.Cluster/MemberList", new MemberListRequest { Linearizable = linearizable });
    }
}
