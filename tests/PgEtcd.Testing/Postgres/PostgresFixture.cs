using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Migrations;
using Xunit;

namespace PgEtcd.Testing.Postgres;

/// <summary>
/// PostgreSQL for the tests of an assembly. Used as <c>IClassFixture&lt;PostgresFixture&gt;</c>; all classes
/// share one server, which starts with the first and is killed when the test process ends.
/// Every test creates its own database.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private static readonly Lazy<Task<ITestDatabase>> Shared = new(StartAsync);
    private static readonly Lazy<Task<string>> Template = new(CreateTemplateAsync);
    private static int _databases;

    private ITestDatabase? _server;

    /// <summary>The shared server.</summary>
    public ITestDatabase Server => _server ?? throw new InvalidOperationException("The fixture has not been initialised.");

    /// <inheritdoc/>
    public async Task InitializeAsync() => _server = await Shared.Value.ConfigureAwait(false);

    /// <summary>Creates a database with an empty store in schema <c>pgetcd</c> and returns its connection string. The database is a copy
    /// of one that was migrated once, as a copy is faster than the migrations.</summary>
    public async Task<string> CreateStoreAsync() =>
        await CreateAsync(Server, NextName(), await Template.Value.ConfigureAwait(false)).ConfigureAwait(false);

    /// <summary>Creates an empty database and returns its connection string.</summary>
    public Task<string> CreateDatabaseAsync() => CreateAsync(Server, NextName(), "template1");

    /// <inheritdoc/>
    public Task DisposeAsync() => Task.CompletedTask;

    private static string NextName() => $"test_{Interlocked.Increment(ref _databases)}";

    private static async Task<ITestDatabase> StartAsync()
    {
        ITestDatabase? container = await PostgresContainer.TryStartAsync().ConfigureAwait(false);
        return container ?? await PostgresServer.StartAsync().ConfigureAwait(false);
    }

    private static async Task<string> CreateTemplateAsync()
    {
        const string Name = "migrated";
        ITestDatabase server = await Shared.Value.ConfigureAwait(false);
        string connectionString = await CreateAsync(server, Name, "template1").ConfigureAwait(false);
        Database database = new(connectionString, new SchemaName("pgetcd"), NullLoggerFactory.Instance);
        await using (database.ConfigureAwait(false))
        {
            await new Migrator(database, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return Name;
    }

    private static async Task<string> CreateAsync(ITestDatabase server, string name, string template)
    {
        await using NpgsqlConnection connection = new(server.ConnectionString());
        await connection.OpenAsync().ConfigureAwait(false);
        await using NpgsqlCommand command = new($"create database {name} template {template}", connection);
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
        return server.ConnectionString(name);
    }
}
