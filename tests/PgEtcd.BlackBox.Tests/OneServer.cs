using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>One server for all tests of a class, none of which minds what the others do: each has keys, names and ids of its own
/// and counts revisions from where it finds the store. A start costs more than most tests.</summary>
public class OneServer : IAsyncLifetime
{
    private readonly PostgresFixture _postgres = new();
    private readonly string[] _flags;

    /// <summary>As the class's fixture.</summary>
    public OneServer()
        : this([])
    {
    }

    /// <summary>For fixtures whose server has flags.</summary>
    protected OneServer(string[] flags) => _flags = flags;

    public string Database { get; private set; } = "";

    public PgEtcdServer Server { get; private set; } = null!;

    public GrpcChannel Channel => Kv.Channel;

    internal Kv Kv { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await _postgres.InitializeAsync();
        Database = await _postgres.CreateStoreAsync();
        Server = await PgEtcdServer.StartAsync(Database, moreArguments: _flags);
        Kv = new Kv(Server);
        await PrepareAsync();
    }

    public virtual async Task DisposeAsync()
    {
        await Kv.DisposeAsync();
        await Server.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    /// <summary>What the tests of a class need in the store before the first of them.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;
}
