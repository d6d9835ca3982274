using Npgsql;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Fixtures;

/// <summary>The PostgreSQL that other tests stop and kill.</summary>
public sealed class PostgresServerTests
{
    [Fact]
    public async Task It_keeps_committed_data_through_a_stop_and_a_kill()
    {
        await using PostgresServer server = await PostgresServer.StartAsync(new PostgresOptions { Fsync = true });
        await ExecuteAsync(server, "create table t (n int); insert into t values (1)");
        await server.StopAsync();
        await server.RestartAsync();
        await ExecuteAsync(server, "insert into t values (2)");
        int killed = server.Pid;
        await server.Kill9Async();
        await server.RestartAsync();

        server.Pid.ShouldNotBe(killed);
        (await ExecuteAsync(server, "select count(*) from t")).ShouldBe(2L);
        (await ExecuteAsync(server, "show fsync")).ShouldBe("on");
    }

    private static async Task<object?> ExecuteAsync(PostgresServer server, string sql)
    {
        await using NpgsqlConnection connection = new(server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
