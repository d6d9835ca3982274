using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;
using static PgEtcd.Protocol.Etcdserverpb.DowngradeRequest.Types;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>Status, MoveLeader, Downgrade, Defragment, Hash (semantics.md §10).</summary>
public sealed class StatusTests(TwoFrontends pair, PostgresFixture postgres) : IClassFixture<TwoFrontends>, IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Status_has_every_field()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        for (int i = 0; i < 50; i++)
        {
            await kv.PutAsync($"k{i}", new string('v', 10_000));
        }

        await Eventually.TrueAsync(() => server.Output.Contains("This frontend leads", StringComparison.Ordinal), Limit, "it leads");
        StatusResponse status = await kv.StatusAsync();
        ulong self = status.Header.MemberId;
        status.ShouldBe(new StatusResponse
        {
            Header = new ResponseHeader { ClusterId = status.Header.ClusterId, MemberId = self, Revision = 51, RaftTerm = status.RaftTerm },
            Version = "3.6.14",
            DbSize = status.DbSize,
            DbSizeInUse = status.DbSizeInUse,
            Leader = self,
            RaftIndex = 51,
            RaftAppliedIndex = 51,
            RaftTerm = status.RaftTerm,
            StorageVersion = "3.6.0",
            DowngradeInfo = new DowngradeInfo(),
        });
        status.RaftTerm.ShouldBeGreaterThan(0UL);
        status.DbSizeInUse.ShouldBeGreaterThan(400_000, "the present size (fault C17)");
        await kv.PutAsync("large", new string('v', 1_000_000));
        StatusResponse larger = await kv.StatusAsync();
        larger.DbSizeInUse.ShouldBeGreaterThan(status.DbSizeInUse + 1_000_000);
        await kv.DefragmentAsync();
        (await kv.StatusAsync()).DbSize.ShouldBeInRange(
            larger.DbSize, larger.DbSize + 16_384, "room that was made usable is no growth (fault C17)");
        status = await kv.StatusAsync();
        status.DbSize.ShouldBeInRange(status.DbSizeInUse, 5_000_000);
    }

    [Fact]
    public async Task Without_the_database_Status_answers_and_reports_no_leader()
    {
        await using PostgresServer database = await PostgresServer.StartAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database.ConnectionString());
        await using Kv kv = new(server);
        await kv.PutAsync("a");
        StatusResponse before = await kv.StatusAsync();
        server.Expect("PostgreSQL does not answer, trying again");
        await database.StopAsync();

        StatusResponse away = new();
        await Eventually.TrueAsync(async () => (away = await kv.StatusAsync()).Leader == 0, Limit, "it notices");
        away.Errors.ShouldBe(["etcdserver: no leader"]);
        (away.DbSize, away.Header.Revision, away.Version).ShouldBe((before.DbSize, before.Header.Revision, before.Version));
    }

    [Fact]
    public async Task MoveLeader_moves_the_leadership()
    {
        (Kv one, Kv two) = (pair.One, pair.Two);
        (ulong idOfOne, ulong idOfTwo) = ((await one.StatusAsync()).Header.MemberId, (await two.StatusAsync()).Header.MemberId);
        await LeadsAsync(one, two);

        await RefusedAsync(() => two.MoveLeaderAsync(idOfTwo), EtcdErrors.NotLeader);
        await RefusedAsync(() => one.MoveLeaderAsync(12345), EtcdErrors.BadLeaderTransferee);
        (await one.MoveLeaderAsync(idOfOne)).Header.ShouldBeNull();
        for (int round = 0; round < 3; round++)
        {
            (await one.MoveLeaderAsync(idOfTwo)).Header.ShouldBeNull();
            (await one.StatusAsync()).Leader.ShouldBe(idOfTwo);
            await RefusedAsync(() => one.MoveLeaderAsync(idOfTwo), EtcdErrors.NotLeader);
            await two.MoveLeaderAsync(idOfOne);
            (await two.StatusAsync()).Leader.ShouldBe(idOfOne);
        }

        // The new leader runs the jobs, as a physical compaction waits for it.
        await one.MoveLeaderAsync(idOfTwo);
        await one.PutAsync("a");
        await one.CompactAsync(await one.PutAsync("a"), physical: true, timeout: Limit);
    }

    [Fact]
    public async Task MoveLeader_to_a_frontend_that_hangs_fails()
    {
        // On a separate store, as the second frontend's later actions would disturb other tests.
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first");
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(database, name: "second");
        await using Kv one = new(first);
        await using Kv two = new(second);
        ulong target = (await two.StatusAsync()).Header.MemberId;
        second.Process.Signal(UnixSignal.Stop);

        await RefusedAsync(() => one.MoveLeaderAsync(target), EtcdErrors.TransferTimeout);
        await Eventually.TrueAsync(
            async () => (await one.StatusAsync()) is { } status && status.Leader == status.Header.MemberId, Limit, "the first leads again");
        second.Process.Signal(UnixSignal.Continue);
        await two.PutAsync("a"); // it works again
    }

    [Fact]
    public async Task Downgrades_get_the_answers_of_a_cluster_of_one_version()
    {
        (Kv one, Kv two) = (pair.One, pair.Two);
        foreach (DowngradeAction action in (DowngradeAction[])[DowngradeAction.Validate, DowngradeAction.Enable])
        {
            foreach (string wrong in (string[])["", "x", "3", "3.", "v3.5", "3.5.0.0", "3.5 "])
            {
                await RefusedAsync(() => one.DowngradeAsync(action, wrong), EtcdErrors.WrongDowngradeVersionFormat);
            }

            foreach (string other in (string[])["3.4", "3.6", "3.6.14", "3.7.0", "2.5.0", "4.5"])
            {
                await RefusedAsync(() => one.DowngradeAsync(action, other), EtcdErrors.InvalidDowngradeTargetVersion);
            }
        }

        (await one.DowngradeAsync(DowngradeAction.Validate, "3.5")).Version.ShouldBe("3.6");
        (await one.DowngradeAsync(DowngradeAction.Cancel)).Version.ShouldBe("3.6");
        DowngradeResponse enabled = await one.DowngradeAsync(DowngradeAction.Enable, "3.5.21");
        (enabled.Version, enabled.Header.Revision).ShouldBe(("3.6", await one.RevisionAsync()));
        await RefusedAsync(() => two.DowngradeAsync(DowngradeAction.Validate, "3.5"), EtcdErrors.DowngradeInProcess);
        await RefusedAsync(() => two.DowngradeAsync(DowngradeAction.Enable, "3.5"), EtcdErrors.DowngradeInProcess);
        (await one.StatusAsync()).DowngradeInfo.ShouldBe(new DowngradeInfo { Enabled = true, TargetVersion = "3.5.0" });
        await Eventually.TrueAsync(async () => (await two.StatusAsync()).DowngradeInfo.Enabled, Limit, "the second shows it");

        await two.DowngradeAsync(DowngradeAction.Cancel);
        (await two.StatusAsync()).DowngradeInfo.ShouldBe(new DowngradeInfo());
        await one.DowngradeAsync(DowngradeAction.Validate, "3.5.0");
        await RefusedAsync(() => one.DowngradeAsync((DowngradeAction)9, "3.5"), EtcdErrors.UnknownMethod);
    }

    [Fact]
    public async Task Defragment_runs_beside_writes_and_all_frontends_have_the_same_hash()
    {
        (Kv one, Kv two) = (pair.One, pair.Two);
        bool done = false;
        Task writing = Task.Run(async () =>
        {
            while (!Volatile.Read(ref done))
            {
                await one.PutAsync("k", "v");
            }
        });
        for (int i = 0; i < 5; i++)
        {
            (await two.DefragmentAsync()).Header.ShouldBeNull();
        }

        Volatile.Write(ref done, true);
        await writing;
        HashResponse hash = await one.HashAsync();
        (await two.HashAsync()).Hash.ShouldBe(hash.Hash);
        hash.Header.Revision.ShouldBe(await one.RevisionAsync());
        await one.DeleteAsync("k");
        (await two.HashAsync()).Hash.ShouldNotBe(hash.Hash);
    }

    [Fact]
    public async Task Without_the_right_to_vacuum_the_error_names_the_tables()
    {
        string database = await postgres.CreateStoreAsync();
        await using (PgEtcdServer owner = await PgEtcdServer.StartAsync(database))
        {
        }

        string role = $"role_{Guid.NewGuid():N}";
        await Sql.ExecuteAsync(database, $"create role {role} login; select pgetcd.grant_server('{role}')");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            new Npgsql.NpgsqlConnectionStringBuilder(database) { Username = role }.ConnectionString);
        await using Kv kv = new(server);
        await kv.PutAsync("a");

        RpcException refused = await Should.ThrowAsync<RpcException>(() => kv.DefragmentAsync());
        refused.StatusCode.ShouldBe(StatusCode.FailedPrecondition);
        refused.Status.Detail.ShouldStartWith("pgetcd: PostgreSQL would not vacuum all tables: ");
        refused.Status.Detail.ShouldContain("revisions");
        (await kv.StatusAsync()).DbSize.ShouldBeGreaterThan(0, "sizes need no permission");
    }

    /// <summary>Makes sure that the first leads and the second knows it.</summary>
    private static async Task LeadsAsync(Kv first, Kv second)
    {
        ulong id = (await first.StatusAsync()).Header.MemberId;
        if ((await second.StatusAsync()) is { } status && status.Leader == status.Header.MemberId)
        {
            await second.MoveLeaderAsync(id);
        }

        await Eventually.TrueAsync(async () => (await second.StatusAsync()).Leader == id, Limit, "the second knows the first");
    }
}
