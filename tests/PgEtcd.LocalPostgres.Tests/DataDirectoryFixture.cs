using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace PgEtcd.LocalPostgres.Tests;

/// <summary>A data directory with a cluster, created once for a class of tests, which start and stop it.</summary>
public sealed class DataDirectoryFixture : IAsyncLifetime
{
    /// <summary>A directory that PostgreSQL's user can reach, unlike one of CreateTempSubdirectory.</summary>
    public string Parent { get; } = Path.Combine("/tmp", "pgetcd-test-" + Guid.NewGuid().ToString("N")[..12]);

    public string DataDir => Path.Combine(Parent, "default.pgetcd");

    public static Task<LocalDatabase> StartAsync(string dataDir) =>
        LocalDatabase.StartAsync(dataDir, mayMove: false, NullLogger.Instance, CancellationToken.None);

    public static async Task<object?> QueryAsync(LocalDatabase database, string sql)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(database.ConnectionString);
        await using NpgsqlCommand command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Parent);
        await using LocalDatabase database = await StartAsync(DataDir);
        await QueryAsync(database, "CREATE TABLE kept AS SELECT 42 AS number");
    }

    public Task DisposeAsync()
    {
        Directory.Delete(Parent, recursive: true);
        return Task.CompletedTask;
    }
}
