using PgEtcd.BlackBox.Tests.Maintenance;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl move-leader</c> among several frontends.</summary>
public sealed class EtcdctlMoveLeaderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [SkippableFact]
    public async Task The_leadership_is_moved_among_three_and_shown()
    {
        EtcdctlScript.Require();
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first");
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(database, name: "second");
        await using PgEtcdServer third = await PgEtcdServer.StartAsync(database, name: "third");
        await using Kv kv = new(first);
        MemberListResponse members = await kv.MembersAsync();
        string ofFirst = $"{members.Members.Single(member => member.Name == "first").ID:x}";
        string ofThird = $"{members.Members.Single(member => member.Name == "third").ID:x}";

        (await EtcdctlScript.RunAsync(first, $"move-leader {ofThird}")).ShouldStartWith(
            $"exit code 0\nLeadership transferred from {ofFirst} to {ofThird}\n");
        string[] lines = (await EtcdctlScript.RunAsync(second, "endpoint status --cluster"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        lines.Length.ShouldBe(3);
        foreach (string line in lines)
        {
            string[] fields = line.Split(", ");
            fields[2].ShouldBe("3.6.14");
            fields[4].ShouldBe(fields[1] == ofThird ? "true" : "false", line);
        }
    }
}
