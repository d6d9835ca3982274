using Google.Protobuf;
using PgEtcd.BlackBox.Tests.Auth;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;
using static PgEtcd.BlackBox.Tests.Snapshots.SnapshotTools;

namespace PgEtcd.BlackBox.Tests.Snapshots;

/// <summary>From real etcd to PgEtcd and back to real etcd, without a loss that a client could see.</summary>
public sealed class RoundTripTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_history_survives_the_way_from_etcd_to_PgEtcd_and_back(bool compacted)
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("snap");
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        long mark = await FillAsync(etcd, compacted);
        List<string> expected = await ReadAsync(etcd, mark);
        uint hash = await HashAsync(etcd);

        string database = await postgres.CreateStoreAsync();
        (await ImportAsync(await SaveAsync(etcd, $"{files.Path}/etcd.db"), database)).ShouldBe(hash);
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        (await ReadAsync(server, mark)).ShouldBe(expected);
        if (compacted)
        {
            await using Kv kv = new(server);
            await RefusedAsync(() => kv.AllAsync(mark - 1), Protocol.EtcdErrors.Compacted);
        }

        string saved = await SaveAsync(server, $"{files.Path}/pgetcd.db");
        File.ReadAllBytes(await ExportAsync(database, $"{files.Path}/export.db")).ShouldBe(File.ReadAllBytes(saved));
        (long revision, _, long size) = await StatusAsync(saved);
        size.ShouldBe(new FileInfo(saved).Length - 32);

        await using EtcdServer restored = await EtcdServer.StartFromAsync(saved);
        (await ReadAsync(restored, mark)).ShouldBe(expected);
        (await HashAsync(restored)).ShouldBe(hash);

        // All three continue in the same way.
        foreach (IEtcdServer one in new IEtcdServer[] { etcd, server, restored })
        {
            await using Kv kv = new(one);
            (await kv.PutAsync("next")).ShouldBe(revision + 1);
        }
    }

    [SkippableFact]
    public async Task The_database_file_of_a_stopped_member_can_be_imported()
    {
        EtcdctlScript.Require();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        long mark = await FillAsync(etcd, compacted: true);
        List<string> expected = await ReadAsync(etcd, mark);
        uint hash = await HashAsync(etcd);
        await etcd.StopAsync();

        string database = await postgres.CreateStoreAsync();
        (await ImportAsync(etcd.DatabaseFile, database)).ShouldBe(hash);
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        (await ReadAsync(server, mark)).ShouldBe(expected);
    }

    [SkippableFact]
    public async Task Users_and_roles_survive_the_round_trip_with_their_passwords()
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("snap");
        await using EtcdServer etcd = await EtcdServer.StartAsync("--bcrypt-cost", "4");
        await using (AuthClient client = AuthClient.To(etcd))
        {
            await client.AddUserAsync("alice", null);
            await client.GrantAsync("alice", "READ", "a", "b", null);
            await client.EnableAsync();
        }

        await etcd.StopAsync();
        string database = await postgres.CreateStoreAsync();
        await ImportAsync(etcd.DatabaseFile, database);
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await CheckAsync(server);

        await using EtcdServer restored = await EtcdServer.StartFromAsync(await ExportAsync(database, $"{files.Path}/pgetcd.db"));
        await CheckAsync(restored);

        static async Task CheckAsync(IEtcdServer server)
        {
            await using AuthClient client = AuthClient.To(server);
            (await client.RangeAsync("a", "", null)).ShouldBe(AuthClient.NoUser);
            string alice = await client.LoginAsync("alice");
            (await client.RangeAsync("a1", "", alice)).ShouldBe(AuthClient.Granted);
            (await client.PutAsync("a1", alice)).ShouldBe(AuthClient.Denied);
            (await client.PutAsync("a1", await client.LoginAsync("root"))).ShouldBe(AuthClient.Granted);
        }
    }

    [SkippableFact]
    public async Task An_empty_store_survives_the_round_trip()
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("snap");
        string database = await postgres.CreateStoreAsync();
        await using (PgEtcdServer empty = await PgEtcdServer.StartAsync(database))
        {
            await SaveAsync(empty, $"{files.Path}/empty.db");
        }

        await StatusAsync($"{files.Path}/empty.db");
        await ImportAsync($"{files.Path}/empty.db", database, "second");
        await using PgEtcdServer imported = await PgEtcdServer.StartAsync(database, "second");
        await using EtcdServer restored = await EtcdServer.StartFromAsync($"{files.Path}/empty.db");
        foreach (IEtcdServer one in new IEtcdServer[] { imported, restored })
        {
            await using Kv kv = new(one);
            (await kv.RevisionAsync()).ShouldBe(1);
            (await kv.PutAsync("first")).ShouldBe(2);
        }
    }

    [SkippableFact]
    public async Task Big_values_and_long_keys_survive_the_round_trip()
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("snap");
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using (Kv kv = new(etcd))
        {
            Random random = new(5);
            foreach (int length in new[] { 1_500_000, 4_000, 4_063, 4_064, 0, 1_572_000 })
            {
                byte[] value = new byte[length];
                random.NextBytes(value);
                await kv.SendAsync(new PutRequest { Key = Bytes($"big{length}"), Value = ByteString.CopyFrom(value) });
                await kv.SendAsync(Put($"{new string('k', 3_000)}{length}", "long key"));
            }
        }

        string database = await postgres.CreateStoreAsync();
        uint hash = await ImportAsync(await SaveAsync(etcd, $"{files.Path}/etcd.db"), database);
        hash.ShouldBe(await HashAsync(etcd));
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await StatusAsync(await SaveAsync(server, $"{files.Path}/pgetcd.db"));
        await using EtcdServer restored = await EtcdServer.StartFromAsync($"{files.Path}/pgetcd.db");
        (await HashAsync(restored)).ShouldBe(hash);
    }

    [SkippableFact]
    public async Task Leases_restart_with_their_full_TTL_when_the_first_server_starts()
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("snap");
        string database = await postgres.CreateStoreAsync();
        await using (EtcdServer etcd = await EtcdServer.StartAsync())
        {
            await GrantAsync(etcd, 77, 30);
            await using Kv kv = new(etcd);
            await kv.SendAsync(Put("leased", "1", 77));
            await ImportAsync(await SaveAsync(etcd, $"{files.Path}/etcd.db"), database);
        }

        // As if the server had been started a day later.
        await Sql.ExecuteAsync(database, "update pgetcd.leases set expires_at = expires_at - interval '1 day'");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv after = new(server);
        await Eventually.TrueAsync(
            async () => (await TimeToLiveAsync(after, 77)).TTL is > 25 and <= 30, "the lease has its full time");
        (await after.ReadAsync("leased")).ShouldBe(["leased=1"]);
    }

    /// <summary>Puts, deletes, transactions, binary keys, leases.</summary>
    /// <returns>The compaction mark, or 2.</returns>
    private static async Task<long> FillAsync(EtcdServer server, bool compacted)
    {
        await using Kv kv = new(server);
        await GrantAsync(server, 1001, 600);
        await GrantAsync(server, -1002, 900);
        await GrantAsync(server, 1003, 1200);
        await kv.PutAsync("once", "and never again");
        for (int i = 0; i < 60; i++)
        {
            await kv.SendAsync(Put($"k{i % 7}", $"value {i}", i % 5 == 0 ? 1001 : 0));
            await kv.SendAsync(Txn(Op(Put($"t{i % 3}", $"{i}")), Op(Put("both", $"{i}", -1002)), Op(Delete($"k{i % 4}"))));
        }

        await kv.SendAsync(new PutRequest { Key = ByteString.CopyFrom(0, 255, 7), Value = ByteString.CopyFrom(0, 0, 200) });
        await kv.SendAsync(Put("gone", "1"));
        long deleted = await kv.DeleteAsync("gone");
        long mark = 2;
        if (compacted)
        {
            await kv.CompactAsync(deleted - 30, physical: true);
            mark = deleted;
            await kv.CompactAsync(mark, physical: true);
        }

        await kv.PutAsync("gone", "here again");
        await kv.DeleteAsync("k", "k5");
        await kv.PutAsync("empty");
        await kv.DeleteAsync("both");
        return mark;
    }

    private static async Task GrantAsync(IEtcdServer server, long id, long ttl)
    {
        await using Kv kv = new(server);
        await kv.Channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>("etcdserverpb.Lease/LeaseGrant", new() { ID = id, TTL = ttl });
    }

    private static Task<LeaseTimeToLiveResponse> TimeToLiveAsync(Kv kv, long id) =>
        kv.Channel.UnaryAsync<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>("etcdserverpb.Lease/LeaseTimeToLive", new() { ID = id });
}
