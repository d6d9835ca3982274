using System.Text.Json;
using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>pgetcd verify.</summary>
public sealed class VerifyCommandTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const int Keys = 40;

    /// <summary>Two frontends and SQL write, and one client compacts with removal of rows, with and without the archive; leases come
    /// and go.</summary>
    [Fact]
    public async Task A_store_is_sound_during_and_after_writes()
    {
        string database = await postgres.CreateStoreAsync();
        Verb pgetcd = new(database);
        await using (PgEtcdServer one = await PgEtcdServer.StartAsync(database, name: "one", moreArguments: ["--history-retention=1d"]))
        await using (PgEtcdServer two = await PgEtcdServer.StartAsync(database, name: "two", moreArguments: ["--history-retention=1d"]))
        {
            using CancellationTokenSource stop = new();
            Task[] writers = [
                WriteAsync(one, 1, stop.Token), WriteAsync(two, 2, stop.Token), WriteInSqlAsync(database, stop.Token),
                CompactAsync(two, stop.Token)];
            for (int i = 0; i < 4; i++)
            {
                (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");
            }

            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }

        JsonElement report = (await pgetcd.JsonAsync("verify")).ShouldHaveSingleItem();
        report.GetProperty("violations").GetInt64().ShouldBe(0);
        report.GetProperty("compact_revision").GetInt64().ShouldBeGreaterThan(0);
        report.GetProperty("keys").GetInt64().ShouldBeInRange(1, Keys + 1);
        ((long)(await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions_archive"))!).ShouldBeGreaterThan(0);

        // The same without the archive, from the present position of removal.
        await using (PgEtcdServer three = await PgEtcdServer.StartAsync(database, name: "three"))
        {
            using CancellationTokenSource stop = new();
            Task[] writers = [WriteAsync(three, 3, stop.Token), CompactAsync(three, stop.Token)];
            (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");
            await stop.CancelAsync();
            await Task.WhenAll(writers);
            (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");
        }
    }

    [Fact]
    public async Task Damage_is_reported_counted_and_sets_the_exit_code()
    {
        string database = await postgres.CreateStoreAsync();
        Verb pgetcd = new(database);
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            for (int i = 0; i < 30; i++)
            {
                await kv.PutAsync($"k{i}", "v");
            }
        }

        await Sql.ExecuteAsync(
            database,
            "update pgetcd.revisions set lease = 255 where revision between 5 and 25; delete from pgetcd.revisions where revision = 30");
        CommandResult text = await pgetcd.RunAsync("verify");
        text.ExitCode.ShouldBe(1, text.Error);
        text.Output.ShouldContain("VIOLATED  revisions");
        text.Output.ShouldContain("            Revision 30 is missing.\n");
        text.Output.ShouldContain("VIOLATED  leases");
        text.Output.ShouldContain("            Key 'k10' (revision 12) hangs on lease ff, which does not exist.\n");
        text.Output.ShouldContain(" and 11 more.\n");
        text.Output.ShouldContain("holds     versions");
        text.Output.ShouldEndWith("\n22 violations.\n");

        CommandResult json = await pgetcd.RunAsync("verify", "--output=json");
        json.ExitCode.ShouldBe(1);
        JsonElement report = JsonElement.Parse(json.Output);
        report.GetProperty("violations").GetInt64().ShouldBe(22);
        JsonElement leases = report.GetProperty("invariants").EnumerateArray().Single(
            one => one.GetProperty("name").GetString() == "leases");
        leases.GetProperty("violations").GetInt64().ShouldBe(21);
        leases.GetProperty("first").GetArrayLength().ShouldBe(10);
    }

    [Fact]
    public async Task A_failed_check_reports_neither_sound_nor_damaged()
    {
        string database = await postgres.CreateDatabaseAsync();
        CommandResult none = await new Verb(database).RunAsync("verify");
        none.ExitCode.ShouldBe(2);
        none.Error.ShouldBe("pgetcd: --schema: there is no store in schema 'pgetcd'.\n");
        CommandResult away = await new Verb($"Host=127.0.0.1;Port={FreePort.Next()};Username=x").RunAsync("verify");
        away.ExitCode.ShouldBe(2);
        away.Error.ShouldStartWith("pgetcd: --database: no PostgreSQL answered");
    }

    private static async Task WriteAsync(PgEtcdServer server, int seed, CancellationToken stopping)
    {
        Random random = new(seed);
        await using Kv kv = new(server);
        while (!stopping.IsCancellationRequested)
        {
            string key = $"k{random.Next(Keys):00}";
            switch (random.Next(10))
            {
                case 0:
                    await kv.DeleteAsync(key, $"k{random.Next(Keys):00}");
                    break;
                case 1:
                    await kv.DeleteAsync(key);
                    break;
                case 2:
                    await kv.SendAsync(Txn(Op(Put(key, "t")), Op(Put(key + "/2", "t")), Op(Delete(key + "/3"))));
                    break;
                case 3:
                    await LeaseAsync(kv, key, revoke: random.Next(2) == 0);
                    break;
                default:
                    await kv.PutAsync(key, $"{random.Next()}");
                    break;
            }

            // Unlimited writers would leave no CPU for verify and for other tests.
            await Task.Delay(2, CancellationToken.None);
        }

        await kv.DeleteAsync("k", "l");
        await kv.PutAsync("k00", "end");
    }

    private static async Task LeaseAsync(Kv kv, string key, bool revoke)
    {
        LeaseGrantResponse lease = await kv.Channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>(
            "etcdserverpb.Lease/LeaseGrant", new() { TTL = 60 });
        await kv.SendAsync(Put(key, "leased", lease.ID));
        if (revoke)
        {
            await kv.Channel.UnaryAsync<LeaseRevokeRequest, LeaseRevokeResponse>("etcdserverpb.Lease/LeaseRevoke", new() { ID = lease.ID });
        }
    }

    private static async Task WriteInSqlAsync(string database, CancellationToken stopping)
    {
        await using NpgsqlConnection connection = new(database);
        await connection.OpenAsync(CancellationToken.None);
        for (int i = 0; !stopping.IsCancellationRequested; i++)
        {
            string end = i % 3 == 0 ? "rollback" : "commit";
            await using NpgsqlCommand command = new(
                $"begin; select pgetcd.put('k{i % Keys:00}', 'sql'); select pgetcd.delete('k{(i + 1) % Keys:00}'); "
                + $"select pgetcd.delete_prefix('k1'); {end}",
                connection);
            await command.ExecuteNonQueryAsync(CancellationToken.None);
            await Task.Delay(20, CancellationToken.None); // leaves CPU to other tests
        }
    }

    private static async Task CompactAsync(PgEtcdServer server, CancellationToken stopping)
    {
        await using Kv kv = new(server);
        long last = 0;
        while (!stopping.IsCancellationRequested)
        {
            long revision = await kv.RevisionAsync() - 5;
            if (revision > last + 20)
            {
                await kv.CompactAsync(last = revision);
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }
}
