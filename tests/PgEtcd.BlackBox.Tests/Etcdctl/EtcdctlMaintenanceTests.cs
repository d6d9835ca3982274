using System.Text.RegularExpressions;
using PgEtcd.BlackBox.Tests.Maintenance;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Protocol.Etcdserverpb.AlarmRequest.Types;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>etcdctl endpoint, alarm, defrag, member and move-leader: what is printed, but for addresses, ids and sizes, is the same
/// as with real etcd.</summary>
public sealed partial class EtcdctlMaintenanceTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] SomeKeys = ["put a 1", "put b 2", "del a", "put b 3", "compaction 3", "put c 4"];

    [SkippableFact]
    public async Task Every_command_prints_the_same_as_with_real_etcd()
    {
        EtcdctlScript.SkipIfMissing();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(
            await postgres.CreateDatabaseAsync(), moreArguments: ["--initial-advertise-peer-urls", "http://127.0.0.1:2380"]);
        string[] commands =
        [
            .. SomeKeys, "alarm list", "alarm disarm", "endpoint health", "endpoint health --cluster", "endpoint hashkv", "endpoint hashkv --rev=5",
            "endpoint hashkv --rev=2", "endpoint hashkv --rev=99", "endpoint hashkv -w json", "endpoint hashkv -w fields", "endpoint hashkv -w table", "endpoint status",
            "endpoint status -w json", "endpoint status -w fields", "endpoint status --cluster", "defrag", "defrag --cluster",
            "member list", "member list -w json", "member list -w fields", "member list -w table", "member remove 1234", "member promote 1234",
            "member update 1234 --peer-urls=http://127.0.0.1:1", "member add x --peer-urls=nonsense", "move-leader {member}", "move-leader 1234",
        ];
        foreach (string command in commands)
        {
            (await PrintedAsync(pgetcd, command)).ShouldBe(await PrintedAsync(etcd, command), $"etcdctl {command}");
        }
    }

    [SkippableFact]
    public async Task An_alarm_is_shown_and_disarmed_as_with_real_etcd()
    {
        EtcdctlScript.SkipIfMissing();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateDatabaseAsync());
        foreach (IEtcdServer server in (IEtcdServer[])[etcd, pgetcd])
        {
            await using Kv kv = new(server);
            await kv.AlarmAsync(AlarmAction.Activate, AlarmType.Nospace, (await kv.StatusAsync()).Header.MemberId);
        }

        foreach (string command in (string[])["alarm list", "put a 1", "endpoint health", "endpoint status", "alarm disarm", "alarm list", "put a 1", "endpoint health"])
        {
            (await PrintedAsync(pgetcd, command)).ShouldBe(await PrintedAsync(etcd, command), $"etcdctl {command}");
        }
    }

    [SkippableFact]
    public async Task The_leadership_is_moved_among_three_and_shown()
    {
        EtcdctlScript.SkipIfMissing();
        string database = await postgres.CreateDatabaseAsync();
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first");
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(database, name: "second");
        await using PgEtcdServer third = await PgEtcdServer.StartAsync(database, name: "third");
        await using Kv kv = new(first);
        MemberListResponse members = await kv.MembersAsync();
        string ofFirst = $"{members.Members.Single(member => member.Name == "first").ID:x}";
        string ofThird = $"{members.Members.Single(member => member.Name == "third").ID:x}";

        (await EtcdctlScript.RunAsync(first, $"move-leader {ofThird}")).ShouldStartWith($"exit code 0\nLeadership transferred from {ofFirst} to {ofThird}\n");
        string[] lines = (await EtcdctlScript.RunAsync(second, "endpoint status --cluster")).Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        lines.Length.ShouldBe(3);
        foreach (string line in lines)
        {
            string[] fields = line.Split(", ");
            fields[2].ShouldBe("3.6.14");
            fields[4].ShouldBe(fields[1] == ofThird ? "true" : "false", line);
        }
    }

    /// <summary>What a command prints, without who and where the server is, and how large and far.</summary>
    private static async Task<string> PrintedAsync(IEtcdServer server, string command)
    {
        await using Kv kv = new(server);
        string member = $"{(await kv.StatusAsync()).Header.MemberId:x}";
        string printed = await EtcdctlScript.RunAsync(server, command.Replace("{member}", member, StringComparison.Ordinal));
        printed = printed.Replace(server.ClientUrl.Authority, "{server}", StringComparison.Ordinal).Replace(member, "{member}", StringComparison.Ordinal)
            .Replace(ulong.Parse(member, System.Globalization.NumberStyles.HexNumber, null).ToString(System.Globalization.CultureInfo.InvariantCulture), "{member}", StringComparison.Ordinal);
        printed = Varying().Replace(printed, "$1*");
        printed = Status().Replace(printed, "$1*, *, $2*, *, *, ");
        // Tables are as wide as the longest of what stands in them.
        return Borders().Replace(printed, match => match.Value[..1]);
    }

    [GeneratedRegex("""(took = |"?took"?: ?|http://localhost:|http://127\.0\.0\.1:|"?(?:raft_?term|raft_?index|raft_?applied_?index|db_?size|db_?size_?in_?use|leader|version|cluster_?id|member_?id)"?\s?:\s?)("[^"]*"|[0-9.µa-z]+)""", RegexOptions.IgnoreCase)]
    private static partial Regex Varying();

    /// <summary>The line of endpoint status: version, size, raft term and indexes differ.</summary>
    [GeneratedRegex(@"^(\S+, [^,]+, )[^,]+, [^,]+, ((?:true|false), (?:true|false), )\d+, \d+, \d+, ", RegexOptions.Multiline)]
    private static partial Regex Status();

    [GeneratedRegex("-{2,}| {2,}")]
    private static partial Regex Borders();
}
