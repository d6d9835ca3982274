using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;

namespace PgEtcd.Chaos.Tests.Patroni;

/// <summary>Two nodes of PostgreSQL, the second a synchronous standby, managed by Debian's Patroni, which keeps its own state in a PgEtcd
/// with its own PostgreSQL.</summary>
internal sealed class PatroniCluster : IAsyncDisposable
{
    private readonly TempDirectory _directory;
    private readonly PostgresServer _postgres;
    private readonly PgEtcdServer _store;

    private PatroniCluster(TempDirectory directory, PostgresServer postgres, PgEtcdServer store)
    {
        (_directory, _postgres, _store) = (directory, postgres, store);
        Nodes = [
            new PatroniNode("pg1", directory.Path, store.ClientUrl.Port), new PatroniNode("pg2", directory.Path, store.ClientUrl.Port)];
    }

    public IReadOnlyList<PatroniNode> Nodes { get; }

    /// <summary>Npgsql finds the node that accepts writes.</summary>
    public string ConnectionString =>
        $"Host={string.Join(',', Nodes.Select(node => $"127.0.0.1:{node.Port}"))};"
        + "Username=postgres;Database=postgres;Target Session Attributes=primary";

    public static async Task<PatroniCluster> StartAsync()
    {
        PostgresServer postgres = await PostgresServer.StartAsync();
        PatroniCluster cluster = new(new TempDirectory("patroni"), postgres, await PgEtcdServer.StartAsync(postgres.ConnectionString()));
        try
        {
            await PostgresBinaries.OwnAsync(cluster._directory.Path);
            await cluster.Nodes[0].StartAsync();
            await cluster.LedByAsync(cluster.Nodes[0]);
            await cluster.Nodes[1].StartAsync();
            await cluster.ProtectedAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until a node leads.</summary>
    public Task LedByAsync(PatroniNode node) => SeenAsync(
        node, roles => roles.GetValueOrDefault(node.Name) == "leader", $"{node.Name} leads");

    /// <summary>Waits until the other node is a synchronous standby, so that the leader may be lost.</summary>
    public Task ProtectedAsync() => SeenAsync(
        Nodes[1], roles => roles.ContainsValue("leader") && roles.ContainsValue("sync_standby"), "there is a synchronous standby");

    public async ValueTask DisposeAsync()
    {
        foreach (PatroniNode node in Nodes)
        {
            await node.DisposeAsync();
        }

        await _store.DisposeAsync();
        await _postgres.DisposeAsync();
        _directory.Dispose();
    }

    private async Task SeenAsync(PatroniNode by, Func<Dictionary<string, string>, bool> condition, string what)
    {
        try
        {
            await Eventually.TrueAsync(async () => condition(await by.RolesAsync()), what);
        }
        catch (TimeoutException exception)
        {
            throw new InvalidOperationException($"Not seen: {what}.\n{string.Join('\n', Nodes)}", exception);
        }
    }
}
