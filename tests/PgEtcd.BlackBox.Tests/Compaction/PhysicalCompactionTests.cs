using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Compaction;

/// <summary>Which rows are left in the table after a compaction, and when.</summary>
public sealed class PhysicalCompactionTests(OneServer shared, PostgresFixture postgres) : IClassFixture<OneServer>,
IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_physical_compaction_returns_after_the_superseded_rows_are_removed()
    {
        (string database, Kv kv) = (shared.Database, shared.Kv);
        await kv.DeleteAsync(End, End);
        for (int i = 0; i < 300; i++)
        {
            await kv.PutAsync($"k{i % 10}", $"{i}");
        }

        long deleted = await kv.DeleteAsync("k0");
        long head = await kv.PutAsync("last");

        await CompactAsync(kv, head);
        (await RowsAsync(database)).ShouldBe(10); // k1 to k9, and last
        (await kv.AllAsync(head)).Length.ShouldBe(10);
        await RefusedAsync(() => kv.AllAsync(deleted), EtcdErrors.Compacted);

        // Repeating it is refused; one revision later, the row superseded last is removed.
        await RefusedAsync(() => CompactAsync(kv, head), EtcdErrors.Compacted);
        await CompactAsync(kv, await kv.PutAsync("last"));
        (await RowsAsync(database)).ShouldBe(10);
    }

    [Fact]
    public async Task Any_frontend_compacts_and_all_refuse_old_revisions_at_once()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer leader = await PgEtcdServer.StartAsync(database, name: "leader");
        await using PgEtcdServer follower = await PgEtcdServer.StartAsync(database, name: "follower");
        await using Kv one = new(leader);
        await using Kv two = new(follower);
        long head = 0;
        for (int i = 0; i < 20; i++)
        {
            head = await one.PutAsync("a", $"{i}");
        }

        await CompactAsync(two, head);
        await RefusedAsync(() => one.ReadAsync("a", head - 1), EtcdErrors.Compacted);
        await RefusedAsync(() => two.ReadAsync("a", head - 1), EtcdErrors.Compacted);
        (await RowsAsync(database)).ShouldBeLessThanOrEqualTo(2);

        // A serializable read does not query the database, but the frontend learns of the compaction within milliseconds.
        long next = await one.PutAsync("a", "next");
        await two.CompactAsync(next);
        await Eventually.TrueAsync(
            async () =>
            {
                RangeRequest read = Range("a", head);
                read.Serializable = true;
                await RefusedAsync(() => one.SendAsync(read), EtcdErrors.Compacted);
                return true;
            },
            "a serializable read through the other frontend is refused");
    }

    [Fact]
    public async Task Without_physical_the_rows_are_removed_too()
    {
        (string database, Kv kv) = (shared.Database, shared.Kv);
        await kv.DeleteAsync(End, End);
        await CompactAsync(kv, await kv.PutAsync("a", "1"));
        await kv.CompactAsync(await kv.PutAsync("a", "2"));

        await Eventually.TrueAsync(async () => await RowsAsync(database) == 1, Limit, "one row is left");
    }

    [SkippableFact]
    public async Task Etcdctl_waits_for_a_physical_compaction()
    {
        Tool.Require("/usr/bin/etcdctl", "etcd-client");
        (string database, Kv kv) = (shared.Database, shared.Kv);
        await kv.DeleteAsync(End, End);
        await kv.PutAsync("a", "1");
        long head = await kv.PutAsync("a", "2");

        CommandResult result = await Command.RunAsync(
            "/usr/bin/etcdctl",
            ["--endpoints", shared.Server.ClientUrl.Authority, "compaction", "--physical", $"{head}"],
            environment: new Dictionary<string, string> { ["ETCDCTL_API"] = "3" });

        result.Output.ShouldBe($"compacted revision {head}\n");
        (await RowsAsync(database)).ShouldBe(1);
    }

    [Fact]
    public async Task With_a_history_retention_removed_rows_are_visible_in_SQL_and_not_in_etcd()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: ["--history-retention", "30d"]);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        await kv.PutAsync("a", "2");
        await kv.DeleteAsync("a");
        long head = await kv.PutAsync("b", "1");
        await CompactAsync(kv, head);

        (await RowsAsync(database)).ShouldBe(1);
        (await Sql.ExecuteAsync(database, """
            select string_agg(
                convert_from(key, 'utf8') || mod_revision || coalesce(convert_from(value, 'utf8'), '-'), ' ' order by mod_revision)
            from pgetcd.history
            """)).ShouldBe("a21 a32 a4- b51");
        await RefusedAsync(() => kv.ReadAsync("a", 3), EtcdErrors.Compacted);
        (await kv.AllAsync()).ShouldBe(["b=1"]);
    }

    [Fact]
    public async Task Auto_compaction_compacts_and_removes_by_itself()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: ["--auto-compaction-retention", "500ms"]);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        await kv.PutAsync("a", "2");
        long head = await kv.PutAsync("a", "3");

        await Eventually.TrueAsync(async () => await RowsAsync(database) == 1, Limit, "all that is superseded is gone");
        await RefusedAsync(() => kv.ReadAsync("a", head - 1), EtcdErrors.Compacted);
        (await kv.ReadAsync("a", head)).ShouldBe(["a=3"]);
        server.Complaints.ShouldBeEmpty();
    }

    private static Task<CompactionResponse> CompactAsync(Kv kv, long revision) => kv.CompactAsync(revision, physical: true, Limit);

    private static async Task<long> RowsAsync(string database) =>
        (long)(await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions"))!;
}
