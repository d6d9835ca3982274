using Dapper;
using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Migrations;

public sealed class MigratorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Many_frontends_may_start_at_once()
    {
        string connectionString = await postgres.CreateDatabaseAsync();
        Database[] databases = [.. Enumerable.Range(0, 8).Select(_ => new Database(
            connectionString, new SchemaName("pgetcd"), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance))];

        await Task.WhenAll(databases.Select(database => LogFixture.Migrator(database).MigrateAsync(CancellationToken.None)));

        foreach (Database database in databases)
        {
            (await new RevisionLog(database, "x").TailAsync(1, _ => { }, CancellationToken.None)).ShouldBe(LogPosition.Empty);
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_older_binary_refuses_a_newer_schema_in_one_sentence()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await fixture.QueryAsync<int>("insert into pgetcd.migrations (number, name) values (9999, 'later') returning number");

        DatabaseStartException error = await Should.ThrowAsync<DatabaseStartException>(
            () => LogFixture.Migrator(fixture.Database).MigrateAsync(CancellationToken.None));

        error.Message.ShouldMatch(
            @"^--schema: 'pgetcd' was written by a newer pgetcd \(schema version 9999, this binary knows \d+\); upgrade this frontend\.$");
    }

    [Fact]
    public async Task A_user_who_may_not_create_a_schema_is_told_so()
    {
        string connectionString = await postgres.CreateDatabaseAsync();
        await using (NpgsqlConnection admin = new(connectionString))
        {
            await admin.ExecuteAsync("drop role if exists nobody_here; create role nobody_here login");
        }

        string asNobody = new NpgsqlConnectionStringBuilder(connectionString) { Username = "nobody_here" }.ConnectionString;
        await using Database database = new(asNobody, new SchemaName("pgetcd"), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);

        DatabaseStartException error = await Should.ThrowAsync<DatabaseStartException>(
            () => LogFixture.Migrator(database).MigrateAsync(CancellationToken.None));

        error.Message.ShouldStartWith("--schema: the database user may not create or change schema 'pgetcd': permission denied");
    }

    [Fact]
    public async Task Two_clusters_live_in_two_schemas_of_one_database()
    {
        await using LogFixture first = await LogFixture.CreateAsync(postgres, "One-Cluster");
        await using Database database = first.Open("two");
        await LogFixture.Migrator(database).MigrateAsync(CancellationToken.None);
        RevisionLog second = new(database, "there");

        (await first.AppendAsync(LogFixture.Puts(1, "a=1", "b=2"))).Position.Revision.ShouldBe(3);
        (await second.AppendAsync(LogFixture.Puts(1, "a=other"), _ => { }, CancellationToken.None)).Position.Revision.ShouldBe(2);

        (await first.QueryAsync<long>("select count(*) from pgetcd.current_state")).ShouldBe([2]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1st")]
    [InlineData("a\"b")]
    [InlineData("a'b")]
    [InlineData("a$b")]
    [InlineData("a b")]
    public void A_schema_name_that_cannot_be_quoted_safely_is_refused(string name) =>
        Should.Throw<ArgumentException>(() => new SchemaName(name));
}
