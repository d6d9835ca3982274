using Npgsql;
using Xunit;

namespace PgEtcd.Testing.Postgres;

/// <summary>
/// PostgreSQL for the tests of an assembly. Used as <c>IClassFixture&lt;PostgresFixture&gt;</c>; all classes
/// share one server, which is started with the first and killed when the test process ends.
/// Every test makes a database of its own.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private static readonly Lazy<Task<ITestDatabase>> Shared = new(StartAsync);
    private static int _databases;

    private ITestDatabase? _server;

    /// <summary>The shared server.</summary>
    public ITestDatabase Server => _server ?? throw new InvalidOperationException("The fixture has not been initialised.");

    /// <inheritdoc/>
    public async Task InitializeAsync() => _server = await Shared.Value.ConfigureAwait(false);

    /// <summary>Makes an empty database and gives its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        string name = $"test_{Interlocked.Increment(ref _databases)}";
        await using var connection = new NpgsqlConnection(Server.ConnectionString());
        await connection.OpenAsync().ConfigureAwait(false);
        await using var command = new NpgsqlCommand($"create database {name}", connection);
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
        return Server.ConnectionString(name);
    }

    /// <inheritdoc/>
    public Task DisposeAsync() => Task.CompletedTask;

    private static async Task<ITestDatabase> StartAsync()
    {
#if TESTCONTAINERS
        return await PostgresContainer.StartAsync().ConfigureAwait(false);
#else
        return await PostgresServer.StartAsync().ConfigureAwait(false);
#endif
    }
}
