using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Roles;

/// <summary>PostgreSQL compiles a statement whose cost it estimates beyond <c>jit_above_cost</c>. That takes 50 to 700 ms each time, and
/// the estimates for tables that were never analyzed are far too high.</summary>
public sealed class CompiledStatementTests
{
    [Fact]
    public async Task PostgreSQL_compiles_no_statement_of_a_frontend_a_verb_or_a_writer_of_SQL()
    {
        await using PostgresServer postgres = await PostgresServer.StartAsync(new PostgresOptions
        {
            Settings = new Dictionary<string, string>
            {
                ["shared_preload_libraries"] = "pg_stat_statements",
                ["pg_stat_statements.track"] = "all",
                ["autovacuum"] = "off", // so that nothing is analyzed
            },
        });
        string database = postgres.ConnectionString();
        await Sql.ExecuteAsync(database, "create extension pg_stat_statements");
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: ["--history-retention=1d"]))
        {
            await EveryStatement.UseAsync(server);
            await EveryStatement.WriteInSqlAsync(database);
            await EveryStatement.UseVerbsAsync(database);
        }

        (await Sql.ExecuteAsync(database, """
            select string_agg(format('%s ms: %s', (jit_generation_time + jit_optimization_time + jit_emission_time)::int, query), e'\n')
            from pg_stat_statements where jit_functions > 0
            """)).ShouldBe(DBNull.Value);
    }
}
