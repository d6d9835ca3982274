using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>What <c>etcdctl watch</c> shows of the same writes is the same, whether it watches real etcd or us.</summary>
public sealed class EtcdctlWatchTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Watches => [.. EtcdctlWatch.All.Keys];

    [SkippableTheory]
    [MemberData(nameof(Watches))]
    public async Task Etcdctl_watch_shows_the_same_as_with_real_etcd(string watch)
    {
        EtcdctlScript.SkipIfMissing();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateDatabaseAsync());
        await CompareAsync(etcd, pgetcd, watch);
    }

    /// <returns>What both showed.</returns>
    internal static async Task<string> CompareAsync(IEtcdServer reference, IEtcdServer target, string watch)
    {
        Task<string> expected = EtcdctlWatch.All[watch].RunAsync(reference);
        string actual = await EtcdctlWatch.All[watch].RunAsync(target);
        actual.ShouldBe(await expected, $"etcdctl {EtcdctlWatch.All[watch].Line}");
        return actual;
    }
}
