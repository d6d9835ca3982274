#if TESTCONTAINERS
using Npgsql;
using Testcontainers.PostgreSql;

namespace PgEtcd.Testing.Postgres;

/// <summary>
/// PostgreSQL in a container, with <c>-p:Testcontainers=true</c>. Never built where this project is
/// developed: neither the package nor a container engine is to be had there.
/// </summary>
internal sealed class PostgresContainer : ITestDatabase
{
    private readonly PostgreSqlContainer _container = new PostgreSqlBuilder().WithImage("postgres:16").WithCommand("-c", "fsync=off").Build();

    public static async Task<PostgresContainer> StartAsync()
    {
        var server = new PostgresContainer();
        await server._container.StartAsync().ConfigureAwait(false);
        return server;
    }

    public string ConnectionString(string database = "postgres") =>
        new NpgsqlConnectionStringBuilder(_container.GetConnectionString()) { Database = database }.ConnectionString;

    public ValueTask DisposeAsync() => _container.DisposeAsync();
}
#endif
