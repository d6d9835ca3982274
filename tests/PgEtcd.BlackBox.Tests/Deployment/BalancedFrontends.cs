using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Deployment;

/// <summary>HAProxy in front of three frontends of one store, for all tests of a class; null without HAProxy.</summary>
public sealed class BalancedFrontends : IAsyncLifetime
{
    private readonly int[] _ports = [FreePort.Next(), FreePort.Next(), FreePort.Next()];
    private readonly PgEtcdServer[] _frontends = new PgEtcdServer[3];

    public int PortOfFirst => _ports[0];

    public string Database { get; private set; } = "";

    internal Balancer? Balancer { get; private set; }

    public async Task InitializeAsync()
    {
        if (!Balancer.IsThere)
        {
            return;
        }

        PostgresFixture postgres = new();
        await postgres.InitializeAsync();
        Database = await postgres.CreateStoreAsync();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(StartAsync));
        Balancer = await Balancer.StartAsync([.. _frontends.Select(frontend => frontend.ClientUrl)]);
    }

    /// <summary>Starts one of the three at its previous address.</summary>
    public async Task StartAsync(int number) => _frontends[number] = await PgEtcdServer.StartAsync(
        Database, "pgetcd", $"frontend{number + 1}", _ports[number], "--proxy-protocol-from", Balancer.Source);

    public async Task KillAsync(int number)
    {
        await _frontends[number].Kill9Async();
        await _frontends[number].DisposeAsync();
    }

    public async Task DisposeAsync()
    {
        if (Balancer is null)
        {
            return;
        }

        await Balancer.DisposeAsync();
        foreach (PgEtcdServer frontend in _frontends)
        {
            await frontend.DisposeAsync();
        }
    }
}
