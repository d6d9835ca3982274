using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>Two frontends of one store for all tests of a class, each of which leaves them as it would find them.</summary>
public sealed class TwoFrontends : IAsyncLifetime
{
    public PgEtcdServer First { get; private set; } = null!;

    public PgEtcdServer Second { get; private set; } = null!;

    internal Kv One { get; private set; } = null!;

    internal Kv Two { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        PostgresFixture postgres = new();
        await postgres.InitializeAsync();
        string database = await postgres.CreateDatabaseAsync();
        First = await PgEtcdServer.StartAsync(database, name: "first");
        Second = await PgEtcdServer.StartAsync(database, name: "second");
        (One, Two) = (new Kv(First), new Kv(Second));
    }

    public async Task DisposeAsync()
    {
        await One.DisposeAsync();
        await Two.DisposeAsync();
        await First.DisposeAsync();
        await Second.DisposeAsync();
    }
}
