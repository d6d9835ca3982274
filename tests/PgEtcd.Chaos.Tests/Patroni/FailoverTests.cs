using PgEtcd.Testing;
using Shouldly;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.Chaos.Tests.Patroni;

/// <summary>Three frontends on a PostgreSQL that fails over, with writers and watchers: no acknowledged write is lost, and every watcher
/// sees each event once. <c>./test.sh Failover</c> runs these tests, for two minutes.</summary>
[Trait("Category", "Failover")]
public sealed class FailoverTests(ITestOutputHelper output) : IAsyncLifetime
{
    private PatroniCluster _postgres = null!;
    private WatchedCluster _frontends = null!;

    public async Task InitializeAsync()
    {
        Tool.Require("/usr/bin/patroni", "patroni");
        _postgres = await PatroniCluster.StartAsync();
        _frontends = await WatchedCluster.StartAsync(_postgres.ConnectionString);
        _frontends.Watch();
        _frontends.Write();
        await _frontends.AcknowledgedAsync(500);
        _frontends.ExpectOutage();
    }

    [SkippableFact]
    public async Task The_primary_is_killed()
    {
        await _postgres.Nodes[0].Kill9Async();
        await _postgres.LedByAsync(_postgres.Nodes[1]);
        await CheckAsync("kill -9 of the primary's machine");
    }

    [SkippableFact]
    public async Task An_operator_switches_over_and_back()
    {
        await _postgres.Nodes[0].SwitchOverAsync(_postgres.Nodes[1]);
        await _postgres.LedByAsync(_postgres.Nodes[1]);
        await _postgres.ProtectedAsync();
        await _frontends.AcknowledgedAsync(500);
        await _postgres.Nodes[1].SwitchOverAsync(_postgres.Nodes[0]);
        await _postgres.LedByAsync(_postgres.Nodes[0]);
        await CheckAsync("two switchovers");
    }

    [SkippableFact]
    public async Task The_primary_is_cut_off_from_the_cluster_and_comes_back()
    {
        _postgres.Nodes[0].CutOff();
        await _postgres.LedByAsync(_postgres.Nodes[1]);
        await _frontends.AcknowledgedAsync(500);
        _postgres.Nodes[0].Reconnect();
        await _postgres.ProtectedAsync();
        await CheckAsync("a primary that is cut off");
    }

    public async Task DisposeAsync()
    {
        await _frontends.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private async Task CheckAsync(string what)
    {
        await _frontends.AcknowledgedAsync(500);
        await _frontends.CheckAsync();
        _frontends.LongestGap.ShouldBeLessThan(TimeSpan.FromSeconds(60));
        output.WriteLine($"{what}: {_frontends.LongestGap.TotalSeconds:0.0} s without an acknowledged write");
    }
}
