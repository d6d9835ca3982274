using Dapper;
using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Migrations;
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
    public async Task A_user_without_the_right_to_create_a_schema_gets_a_clear_error()
    {
        string connectionString = await postgres.CreateDatabaseAsync();
        await using (NpgsqlConnection admin = new(connectionString))
        {
            await admin.ExecuteAsync("drop role if exists nobody_here; create role nobody_here login");
        }

        string asNobody = new NpgsqlConnectionStringBuilder(connectionString) { Username = "nobody_here" }.ConnectionString;
        await using Database database = new(
            asNobody, new SchemaName("pgetcd"), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);

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

    [Fact]
    public async Task Functions_whose_text_has_changed_are_applied_again_and_grants_stay()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await fixture.QueryAsync<object>("""
            drop role if exists migrator_auditor;
            drop role if exists migrator_writer;
            create role migrator_auditor;
            create role migrator_writer;
            select pgetcd.grant_auditor('migrator_auditor');
            select pgetcd.grant_writer('migrator_writer');
            create view public.mine as select h.key, h.value from pgetcd.history h;
            create or replace function pgetcd.highest() returns bytea language sql immutable as $$ select ''::bytea $$;
            update pgetcd.migrations set name = 'of another version' where number = 0;
            """);
        Migrator migrator = LogFixture.Migrator(fixture.Database);

        DatabaseStartException refusal = await Should.ThrowAsync<DatabaseStartException>(
            () => migrator.CheckAsync("--migrate=never", CancellationToken.None));
        refusal.Message.ShouldMatch(
            @"^--schema: 'pgetcd' has the functions of another pgetcd \(schema version \d+ as this binary's\), "
            + @"and --migrate=never: run pgetcd migrate first\.$");
        MigrationPlan plan = await migrator.MigrateAsync(CancellationToken.None);

        plan.Tables.ShouldBeEmpty();
        plan.Functions.ShouldContain("functions/append.sql");
        (await fixture.QueryAsync<int>("select length(pgetcd.highest())")).ShouldBe([1024]);
        (await fixture.QueryAsync<bool>("""
            select unnest(array[
                has_table_privilege('migrator_auditor', 'pgetcd.history', 'select'),
                has_function_privilege('migrator_writer', 'pgetcd.put(bytea, bytea, bigint)', 'execute'),
                not has_function_privilege('migrator_auditor', 'pgetcd.put(bytea, bytea, bigint)', 'execute')])
            """)).ShouldBe([true, true, true]);
        (await migrator.MigrateAsync(CancellationToken.None)).IsEmpty.ShouldBeTrue();
        await migrator.CheckAsync("--migrate=never", CancellationToken.None);
        await fixture.QueryAsync<object>(
            "drop view public.mine; drop owned by migrator_auditor, migrator_writer; drop role migrator_auditor, migrator_writer");
    }

    [Fact]
    public async Task A_start_with_nothing_to_do_waits_for_no_lock()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await using NpgsqlConnection other = await fixture.Database.OpenAsync(CancellationToken.None);
        await using NpgsqlTransaction migrating = await other.BeginTransactionAsync();
        await other.ExecuteAsync("lock table pgetcd.migrations in exclusive mode");

        (await LogFixture.Migrator(fixture.Database).MigrateAsync(CancellationToken.None)).IsEmpty.ShouldBeTrue();
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
