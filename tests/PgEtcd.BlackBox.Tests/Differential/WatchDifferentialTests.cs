using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>Watches under random writes, as real etcd shows them. <c>TESTED_SEED</c> repeats a run, but not its timing.</summary>
public sealed class WatchDifferentialTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    private const int Steps = 600;

    [SkippableFact]
    public async Task Watches_show_what_those_of_real_etcd_show()
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using WatchSide reference = new(etcd);
        await using WatchSide target = new(pgetcd);
        await new WatchDifferentialRun(reference, target, DifferentialTests.Seed, output).RunAsync(Steps);
    }

    [SkippableFact]
    [Trait("Category", "SelfTest")]
    public async Task Those_of_two_real_etcds_show_the_same()
    {
        SelfTest.SkipUnlessAsked();
        await using EtcdServer one = await EtcdServer.StartAsync();
        await using EtcdServer other = await EtcdServer.StartAsync();
        await using WatchSide reference = new(one);
        await using WatchSide target = new(other);
        await new WatchDifferentialRun(reference, target, DifferentialTests.Seed, output).RunAsync(Steps);
    }
}
