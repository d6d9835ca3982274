using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>Many leases live at once on real etcd and on PgEtcd. <c>TESTED_SEED</c> repeats a run, but not its timing.</summary>
public sealed class LeaseDifferentialTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    private const int Leases = 60;

    [SkippableFact]
    public async Task Leases_live_and_end_as_in_real_etcd()
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await RunAsync(etcd, pgetcd);
    }

    [SkippableFact]
    [Trait("Category", "SelfTest")]
    public async Task Two_real_etcds_agree_on_leases()
    {
        SelfTest.SkipUnlessAsked();
        await using EtcdServer one = await EtcdServer.StartAsync();
        await using EtcdServer other = await EtcdServer.StartAsync();
        await RunAsync(one, other);
    }

    private async Task RunAsync(IEtcdServer one, IEtcdServer other)
    {
        int seed = DifferentialTests.Seed;
        output.WriteLine($"seed {seed} (TESTED_SEED={seed} repeats the run)");
        await using LeaseSide reference = await LeaseSide.OpenAsync(one);
        await using LeaseSide target = await LeaseSide.OpenAsync(other);
        LeaseLife[] lives = [.. Enumerable.Range(1, Leases).Select(id => new LeaseLife([reference, target], id, seed + id))];
        await Task.WhenAll(lives.Select(life => life.LiveAsync()));

        foreach (string key in lives.SelectMany(life => life.Keys))
        {
            target.Events(key).Select(Shown).ShouldBe(reference.Events(key).Select(Shown), $"seed {seed}, key {key}");
        }

        output.WriteLine($"{lives.Sum(life => life.Keys.Count)} keys, {lives.Sum(life => life.Attached.Count)} went with their lease");
    }

    /// <summary>Revisions differ, as leases that expire at about the same time may do so in either order.</summary>
    private static string Shown(WatchedEvent change) => $"{change.Value ?? "(deleted)"} v{change.Version}";
}
