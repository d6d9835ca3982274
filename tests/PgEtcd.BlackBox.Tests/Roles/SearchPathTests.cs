using Npgsql;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Roles;

/// <summary>A role that may create objects in public makes functions and operators with the names of PostgreSQL's; PgEtcd calls none of
/// them (fault A1).</summary>
public sealed class SearchPathTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_frontend_verb_or_writer_of_SQL_calls_a_function_of_another_role(bool isPooled)
    {
        string direct = await postgres.CreateDatabaseAsync();
        await Impostors.PlaceAsync(direct);
        (await Record.ExceptionAsync(() => Sql.ExecuteAsync(direct, "select nextval('any')")))
            .ShouldBeOfType<PostgresException>().MessageText.ShouldBe("impostor was called");
        await Sql.ExecuteAsync(direct, "select setval('public.impostors_called'::regclass, 1, false)");

        await using PgBouncer? bouncer = isPooled ? await PooledAsync() : null;
        string database = bouncer?.ConnectionString(new NpgsqlConnectionStringBuilder(direct).Database!) + ";Max Auto Prepare=0";
        database = isPooled ? database : direct;
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: ["--history-retention=1d"]))
        {
            await EveryStatement.UseAsync(server);
            (await Impostors.WasCalledAsync(direct)).ShouldBeFalse("the frontend");
            await EveryStatement.WriteInSqlAsync(direct);
            (await Impostors.WasCalledAsync(direct)).ShouldBeFalse("SQL writers");
            await EveryStatement.UseVerbsAsync(database);
        }

        (await Impostors.WasCalledAsync(direct)).ShouldBeFalse("by verbs and by stopping the frontend");
    }

    private async Task<PgBouncer> PooledAsync()
    {
        PgBouncer.Require();
        return await PgBouncer.StartAsync(postgres.Server);
    }
}
