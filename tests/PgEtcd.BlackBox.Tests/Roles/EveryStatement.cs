using PgEtcd.BlackBox.Tests.Auth;
using PgEtcd.BlackBox.Tests.Commands;
using PgEtcd.BlackBox.Tests.Snapshots;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Watching;
using Shouldly;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Roles;

/// <summary>Use of a store that brings nearly every statement of PgEtcd to PostgreSQL.</summary>
internal static class EveryStatement
{
    /// <summary>What clients ask of a frontend, and its jobs.</summary>
    public static async Task UseAsync(PgEtcdServer server)
    {
        await using Kv kv = new(server);
        await using WatchCall watch = new(kv.Channel);
        await watch.CreatedAsync(WatchCall.Prefix("k"));
        for (int i = 0; i < 20; i++)
        {
            await Task.WhenAll(kv.PutAsync($"k{i}", "1"), kv.PutAsync($"k{i}", "2"), kv.PutAsync("k", $"{i}"));
        }

        await kv.SendAsync(Txn(Op(Put("k1", "3")), Op(Put("k2", "3")), Op(Delete("k3")), Op(Range("k", end: End))));
        (await kv.ReadAsync("k1", revision: 20)).ShouldNotBeNull();
        await kv.DeleteAsync("k1", "k9");
        await using WatchCall late = new(kv.Channel);
        WatchCreateRequest past = WatchCall.Prefix("k");
        (past.StartRevision, past.PrevKv) = (5, true);
        await late.CreatedAsync(past);
        await late.NextAsync();

        long lease = await kv.Channel.GrantAsync(60);
        await kv.SendAsync(Put("leased", "1", lease));
        using (GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = kv.Channel.KeepAlive())
        {
            await stream.AskAsync(lease);
        }

        await kv.Channel.UnaryAsync<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(
            "etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = lease, Keys = true });
        await kv.Channel.UnaryAsync<LeaseLeasesRequest, LeaseLeasesResponse>("etcdserverpb.Lease/LeaseLeases", new LeaseLeasesRequest());
        await kv.Channel.UnaryAsync<LeaseRevokeRequest, LeaseRevokeResponse>(
            "etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = lease });
        long brief = await kv.Channel.GrantAsync(2);
        await kv.SendAsync(Put("brief", "1", brief));
        await kv.CompactAsync(40, physical: true);
        await Eventually.TrueAsync(async () => (await kv.ReadAsync("brief")).Length == 0, TimeSpan.FromSeconds(30), "the lease expires");

        await kv.Channel.UnaryAsync<DefragmentRequest, DefragmentResponse>("etcdserverpb.Maintenance/Defragment", new DefragmentRequest());
        await kv.Channel.UnaryAsync<HashKVRequest, HashKVResponse>("etcdserverpb.Maintenance/HashKV", new HashKVRequest());
        await kv.Channel.UnaryAsync<HashRequest, HashResponse>("etcdserverpb.Maintenance/Hash", new HashRequest());
        await kv.Channel.UnaryAsync<StatusRequest, StatusResponse>("etcdserverpb.Maintenance/Status", new StatusRequest());
        await kv.Channel.UnaryAsync<MemberListRequest, MemberListResponse>("etcdserverpb.Cluster/MemberList", new MemberListRequest());
        foreach (AlarmRequest.Types.AlarmAction action in (AlarmRequest.Types.AlarmAction[])
            [AlarmRequest.Types.AlarmAction.Activate, AlarmRequest.Types.AlarmAction.Deactivate])
        {
            await kv.Channel.UnaryAsync<AlarmRequest, AlarmResponse>(
                "etcdserverpb.Maintenance/Alarm", new AlarmRequest { Action = action, Alarm = AlarmType.Nospace, MemberID = 1 });
        }

        await UsePagesAsync(server);
        await UseAuthAsync(server);
    }

    private static async Task UsePagesAsync(PgEtcdServer server)
    {
        using HttpClient browser = new() { BaseAddress = server.ClientUrl };
        foreach (string page in (string[])
        [
            "keys", "keys?at=50", "keys?at=50&view=list", "keys?q=1&values=1", "keys?at=50&q=1&values=1", "key?key=k1", "key?key=k1&at=50",
            "diff?from=45&to=60", "activity", "activity?prefix=k&user=x", "leases", "locks", "cluster", "access",
        ])
        {
            (await browser.GetAsync(new Uri($"ui/{page}", UriKind.Relative))).EnsureSuccessStatusCode();
        }

        (await browser.GetAsync(new Uri("metrics", UriKind.Relative))).EnsureSuccessStatusCode();
    }

    private static async Task UseAuthAsync(PgEtcdServer server)
    {
        await using AuthClient client = new(server);
        await client.EnableAsync();
        await client.AddUserAsync("ann", client.Root);
        await client.GrantAsync("ann", "READWRITE", "a", "b", client.Root);
        (await client.PutAsync("a", await client.LoginAsync("ann"))).ShouldBe(AuthClient.Granted);
        await client.OutcomeAsync("etcdserverpb.Auth/Authenticate", """{"name":"ann","password":"wrong"}""");
        await client.RevokeAsync("ann", "a", "b", client.Root);
        await client.CallAsync("etcdserverpb.Auth/UserDelete", """{"name":"ann"}""", client.Root);
        await client.CallAsync("etcdserverpb.Auth/AuthDisable", "{}", client.Root);
    }

    /// <summary>An application with the usual search path.</summary>
    public static async Task WriteInSqlAsync(string database)
    {
        foreach (string sql in (string[])
        [
            "select pgetcd.put('sql', 'value')", "select pgetcd.put('sql'::bytea, 'value'::bytea)",
            "select pgetcd.compare_and_put('cas', 0, 'value')", "select pgetcd.delete('sql')", "select pgetcd.delete_prefix('k1')",
            "select count(*) from pgetcd.history", "select count(*) from pgetcd.current_state", "select count(*) from pgetcd.state_at(60)",
            "select count(*) from pgetcd.diff(60, 70)", "select count(*) from pgetcd.get('cas')",
            "select count(*) from pgetcd.key_history('cas')",
            "select count(*) from pgetcd.state_at(pg_catalog.clock_timestamp())", "select count(*) from pgetcd.active_members",
            "select pgetcd.grant_auditor('pg_monitor')", "select pgetcd.grant_writer('pg_monitor')",
            "select pgetcd.grant_server('pg_monitor')",
        ])
        {
            await Sql.ExecuteAsync(database, sql);
        }
    }

    /// <summary>The verbs that read a store.</summary>
    public static async Task UseVerbsAsync(string database)
    {
        using TempDirectory directory = new("statements");
        Verb pgetcd = new(database);
        (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");
        await pgetcd.TextAsync("history", "cas");
        await pgetcd.TextAsync("history", "--prefix", "k");
        await pgetcd.TextAsync("state", "--at", "60");
        await pgetcd.TextAsync("diff", "60", "70");
        await pgetcd.TextAsync("migrate");
        string snapshot = await SnapshotTools.ExportAsync(database, Path.Combine(directory.Path, "snapshot"));
        await SnapshotTools.ImportAsync(snapshot, database, "imported");
    }
}
