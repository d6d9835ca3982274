using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>One server for all tests of a class, none of which minds what the others do.</summary>
public sealed class OneServer : IAsyncLifetime
{
    private readonly PostgresFixture _postgres = new();

    public PgEtcdServer Server { get; private set; } = null!;

    public GrpcChannel Channel { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await _postgres.InitializeAsync();
        Server = await PgEtcdServer.StartAsync(await _postgres.CreateDatabaseAsync());
        Channel = new GrpcChannel(Server.ClientUrl);
    }

    public async Task DisposeAsync()
    {
        await Channel.DisposeAsync();
        await Server.DisposeAsync();
        await _postgres.DisposeAsync();
    }
}
