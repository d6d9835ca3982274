using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Frontends of one store for all tests of a class, each with a client. As with <see cref="OneServer"/>, tests do not disturb
/// each other.</summary>
public abstract class SeveralFrontends(string[] names, params string[] flags) : IAsyncLifetime
{
    private readonly List<PgEtcdServer> _servers = [];
    private readonly List<Kv> _clients = [];

    public string Database { get; private set; } = "";

    public IReadOnlyList<PgEtcdServer> Servers => _servers;

    internal IReadOnlyList<Kv> Clients => _clients;

    public async Task InitializeAsync()
    {
        PostgresFixture postgres = new();
        await postgres.InitializeAsync();
        Database = await postgres.CreateStoreAsync();
        foreach (string name in names)
        {
            PgEtcdServer server = await PgEtcdServer.StartAsync(Database, name: name, moreArguments: flags);
            _servers.Add(server);
            _clients.Add(new Kv(server));
        }

        await PrepareAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (Kv client in _clients)
        {
            await client.DisposeAsync();
        }

        foreach (PgEtcdServer server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>Prepares the store before the first test of the class.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;
}
