using System.Text.RegularExpressions;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Migrations;

/// <summary>The rules of migrations/README.md.</summary>
public sealed partial class DefinitionTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string Folder = Path.Combine(Repository.Root, "migrations");

    private const string NamesSql = """
        select 'function ' || p.proname from pg_proc p where p.pronamespace = 'pgetcd'::regnamespace
        union all select 'view ' || c.relname from pg_class c where c.relnamespace = 'pgetcd'::regnamespace and c.relkind = 'v'
        union all select 'type ' || c.relname from pg_class c where c.relnamespace = 'pgetcd'::regnamespace and c.relkind = 'c'
        """;

    private const string SignaturesSql = """
        select format('%s(%s) returns %s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid))
        from pg_proc p where p.pronamespace = 'pgetcd'::regnamespace
        union all
        select format('%s: %s', c.relname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum))
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'pgetcd'::regnamespace and c.relkind in ('v', 'c') and a.attnum > 0 and not a.attisdropped
        group by c.relname
        """;

    private const string UnpinnedSql = """
        select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'pgetcd'::regnamespace and p.prosqlbody is null
            and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
        """;

    [Fact]
    public async Task Every_function_view_and_type_of_the_schema_has_one_definition_in_one_file()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        List<string> inSchema = await fixture.QueryAsync<string>(NamesSql);
        List<(string Name, string File)> inFiles = [.. Directory.GetFiles(Folder, "*.sql", SearchOption.AllDirectories).SelectMany(
            file => Definition().Matches(File.ReadAllText(file)).Select(match => (match.Result("$1 $2"), file)))];

        // Overloads are separate functions in the same file.
        inFiles.Select(definition => definition.Name).Order().ShouldBe(inSchema.Order());
        inFiles.GroupBy(definition => definition.Name).Where(name => name.Distinct().Count() > 1).ShouldBeEmpty();
        inFiles.Where(definition => definition.Name.StartsWith("type ", StringComparison.Ordinal) == IsFunctions(definition.File))
            .ShouldBeEmpty("types in tables/, functions and views in functions/");

        static bool IsFunctions(string file) => Path.GetFileName(Path.GetDirectoryName(file)) == "functions";
    }

    [Fact]
    public async Task A_signature_changes_only_together_with_a_numbered_file()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        List<string> signatures = await fixture.QueryAsync<string>(SignaturesSql);

        string[] known = [.. File.ReadAllLines(Path.Combine(Folder, "signatures.txt")).Where(line => !line.StartsWith('#'))];

        signatures.Order(StringComparer.Ordinal).ShouldBe(
            known,
            ignoreOrder: false,
            "\"create or replace\" cannot change these: let a numbered file in migrations/tables drop the old form, "
            + "then update migrations/signatures.txt.");
    }

    /// <summary>Fault A1: a role that may create objects in public had its function called by ours.</summary>
    [Fact]
    public async Task No_function_leaves_a_name_to_the_search_path_of_its_caller()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);

        (await fixture.QueryAsync<string>(UnpinnedSql)).ShouldBeEmpty("set search_path, or use a body that is not a string");
        (await fixture.QueryAsync<long>("select count(*) from pg_proc where pronamespace = 'pgetcd'::regnamespace"))[0]
            .ShouldBeGreaterThan(50);
    }

    /// <summary>A plan that cannot avoid what is off is costed as very expensive, and would be compiled at each call: keep-alives took
    /// 150 ms.</summary>
    [Fact]
    public async Task A_function_that_turns_plans_off_turns_their_compilation_off()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        List<string> functions = await fixture.QueryAsync<string>("""
            select proname::text from pg_proc
            where pronamespace = 'pgetcd'::regnamespace and proconfig::text like '%enable_%' and not 'jit=off' = any (proconfig)
            """);
        functions.ShouldBeEmpty();
    }

    [Fact]
    public void The_numbers_of_the_files_go_up_by_one() =>
        Directory.GetFiles(Path.Combine(Folder, "tables")).Select(file => Path.GetFileName(file)[..4]).Order(StringComparer.Ordinal)
            .ShouldBe(Directory.GetFiles(Path.Combine(Folder, "tables")).Select((_, index) => $"{index + 1:0000}"));

    [GeneratedRegex(@"^create (?:or replace )?(function|view|type) pgetcd\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Definition();
}
