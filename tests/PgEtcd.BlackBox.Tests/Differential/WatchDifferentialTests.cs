using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>Watches during random writes, compared with real etcd. <c>TESTED_SEED</c> repeats a run, but not its timing.</summary>
public sealed class WatchDifferentialTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    private const int Steps = 600;

    [SkippableFact]
    public async Task Watches_show_the_same_events_as_in_real_etcd()
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using WatchSide reference = new(etcd);
        await using WatchSide target = new(pgetcd);
        await new WatchDifferentialRun(reference, target, DifferentialTests.Seed, output).RunAsync(Steps);
    }

    [SkippableFact]
    [Trait("Category", "SelfTest")]
    public async Task Two_real_etcds_agree_on_watches()
    {
        SelfTest.SkipUnlessAsked();
        await using EtcdServer one = await EtcdServer.StartAsync();
        await using EtcdServer other = await EtcdServer.StartAsync();
        await using WatchSide reference = new(one);
        await using WatchSide target = new(other);
        await new WatchDifferentialRun(reference, target, DifferentialTests.Seed, output).RunAsync(Steps);
    }
}
