using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>Debian's etcdctl prints the same, whether it speaks to real etcd or to us.</summary>
public sealed class EtcdctlTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Scenarios => [.. EtcdctlScenarios.All.Keys];

    [SkippableTheory]
    [MemberData(nameof(Scenarios))]
    public async Task Etcdctl_prints_the_same_as_with_real_etcd(string scenario)
    {
        EtcdctlScript.SkipIfMissing();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateDatabaseAsync());
        await EtcdctlScript.RunAsync(etcd, pgetcd, EtcdctlScenarios.All[scenario]);
    }
}
