using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>The scenarios themselves: two real etcds must print the same, and not only errors.</summary>
[Trait("Category", "SelfTest")]
public sealed class EtcdEtcdctlTests
{
    public static TheoryData<string> Scenarios => EtcdctlTests.Scenarios;

    [SkippableTheory]
    [MemberData(nameof(Scenarios))]
    public async Task Two_real_etcds_print_the_same(string scenario)
    {
        SelfTest.SkipUnlessAsked();
        EtcdctlScript.SkipIfMissing();
        await using EtcdServer one = await EtcdServer.StartAsync();
        await using EtcdServer other = await EtcdServer.StartAsync();
        string printed = await EtcdctlScript.RunAsync(one, other, EtcdctlScenarios.All[scenario]);
        printed.Split('\n').Length.ShouldBeGreaterThan(1);
    }

    public static TheoryData<string> Watches => EtcdctlWatchTests.Watches;

    [SkippableTheory]
    [MemberData(nameof(Watches))]
    public async Task Watches_of_two_real_etcds_show_the_same(string watch)
    {
        SelfTest.SkipUnlessAsked();
        EtcdctlScript.SkipIfMissing();
        await using EtcdServer one = await EtcdServer.StartAsync();
        await using EtcdServer other = await EtcdServer.StartAsync();
        (await EtcdctlWatchTests.CompareAsync(one, other, watch)).ShouldNotBeEmpty();
    }

    [SkippableFact]
    public async Task Leases_of_real_etcd_are_as_expected()
    {
        SelfTest.SkipUnlessAsked();
        EtcdctlScript.SkipIfMissing();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await EtcdctlLease.KeepAliveThenExpireAsync(etcd);
        await EtcdctlLease.KeepAliveOfARevokedLeaseEndsAsync(etcd);
    }
}
