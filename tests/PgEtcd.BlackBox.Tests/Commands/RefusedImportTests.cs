using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>A refused import leaves nothing, not even an empty schema (fault C19).</summary>
public sealed class RefusedImportTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Schemas = "select count(*) from pg_namespace where nspname = 'pgetcd'";

    private const string Contents = """
        select (select count(*) from pg_class where relnamespace = 'pgetcd'::regnamespace)
            + (select count(*) from pg_proc where pronamespace = 'pgetcd'::regnamespace)
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bad_lines_leave_no_schema_and_good_ones_create_the_store(bool isSchemaThere)
    {
        using TempDirectory files = new("keys");
        string file = $"{files.Path}/keys.jsonl";
        await File.WriteAllTextAsync(file, "{\"key\":\"YQ==\",\"value\":\"\"}\n{\"key\":\"\",\"value\":\"\"}");
        string database = await DatabaseAsync(isSchemaThere);

        (await new Verb(database).RefusalAsync("import", file, "--format=jsonl")).ShouldContain("line 2 has an empty key");
        await LeftNothingAsync(database, isSchemaThere);

        await File.WriteAllTextAsync(file, "{\"key\":\"YQ==\",\"value\":\"\"}");
        (await new Verb(database).TextAsync("import", file, "--format=jsonl")).ShouldContain("Imported 1 keys");
        (await new Verb(database).TextAsync("verify")).ShouldEndWith("All hold.\n");
    }

    [Fact]
    public async Task A_damaged_snapshot_leaves_no_schema_and_a_good_one_creates_the_store()
    {
        using TempDirectory files = new("snapshot");
        string whole = $"{files.Path}/whole.db";
        string damaged = $"{files.Path}/damaged.db";
        string source = await postgres.CreateStoreAsync();
        await Sql.ExecuteAsync(source, "select pgetcd.put('key' || n, 'value') from generate_series(1, 2000) n");
        await new Verb(source).TextAsync("export", whole);
        byte[] bytes = await File.ReadAllBytesAsync(whole);
        byte[] body = bytes[..^32]; // without a checksum, like a member's file
        Array.Clear(body, 6 * 4096, 4096);
        await File.WriteAllBytesAsync(damaged, body);
        string database = await postgres.CreateDatabaseAsync();

        await new Verb(database).RefusalAsync("import", damaged);
        await LeftNothingAsync(database, isSchemaThere: false);

        (await new Verb(database).TextAsync("import", whole)).ShouldContain("2000 changes");
        (await new Verb(database).TextAsync("verify")).ShouldEndWith("All hold.\n");
    }

    [Fact]
    public async Task An_invalid_row_of_kine_leaves_no_schema()
    {
        string kine = await postgres.CreateDatabaseAsync();
        await Sql.ExecuteAsync(kine, """
            create table kine (id bigserial primary key, name text collate "C", created integer, deleted integer,
                create_revision bigint not null, prev_revision bigint, lease integer, value bytea, old_value bytea);
            insert into kine (name, created, deleted, create_revision, prev_revision, lease, value) values
                ('/registry/a', 1, 0, 0, 0, 0, '1'), ('', 1, 0, 0, 0, 0, '')
            """);
        string database = await postgres.CreateDatabaseAsync();

        (await new Verb(database).RefusalAsync("import-kine", "--from", kine)).ShouldContain("nothing was imported");
        await LeftNothingAsync(database, isSchemaThere: false);
    }

    private static async Task LeftNothingAsync(string database, bool isSchemaThere)
    {
        (await Sql.ExecuteAsync(database, Schemas)).ShouldBe(isSchemaThere ? 1L : 0L);
        if (isSchemaThere)
        {
            (await Sql.ExecuteAsync(database, Contents)).ShouldBe(0L);
        }
    }

    private async Task<string> DatabaseAsync(bool isSchemaThere)
    {
        string database = await postgres.CreateDatabaseAsync();
        if (isSchemaThere)
        {
            await Sql.ExecuteAsync(database, "create schema pgetcd");
        }

        return database;
    }
}
