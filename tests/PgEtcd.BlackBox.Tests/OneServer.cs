using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>One server for all tests of a class, which do not disturb each other: each has its own keys, names and ids and counts
/// revisions from the store's present one. A start takes longer than most tests.</summary>
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

    /// <summary>Prepares the store before the first test of the class.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;
}
