using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>Three frontends of one store, auth switched on, for all tests of a class: each has users of its own.</summary>
public sealed class ThreeFrontends : IAsyncLifetime
{
    private readonly List<PgEtcdServer> _servers = [];

    public IReadOnlyList<PgEtcdServer> Servers => _servers;

    public async Task InitializeAsync()
    {
        PostgresFixture postgres = new();
        await postgres.InitializeAsync();
        string database = await postgres.CreateDatabaseAsync();
        foreach (string name in (string[])["first", "second", "third"])
        {
            _servers.Add(await PgEtcdServer.StartAsync(database, name: name, moreArguments: ["--bcrypt-cost", "4"]));
        }

        await using AuthClient client = new(_servers[0]);
        await client.EnableAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (PgEtcdServer server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
