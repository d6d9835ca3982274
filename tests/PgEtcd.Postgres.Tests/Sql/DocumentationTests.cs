using System.Text;
using System.Text.RegularExpressions;
using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>The examples of docs/sql.md print the results shown there.</summary>
public sealed partial class DocumentationTests
{
    [Fact]
    public async Task Every_example_prints_the_output_shown()
    {
        // On its own server, as the page creates roles.
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using (Database database = new(
            server.ConnectionString(), new SchemaName("pgetcd"), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance))
        {
            await LogFixture.Migrator(database).MigrateAsync(CancellationToken.None);
        }

        List<(string Sql, string Expected)> examples = [.. Examples().Matches(
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "sql.md")))
            .Select(match => (match.Groups["sql"].Value, match.Groups["text"].Value))];
        examples.Count.ShouldBeGreaterThan(10);
        NpgsqlConnectionStringBuilder address = new(server.ConnectionString());
        foreach ((string sql, string expected) in examples)
        {
            // Errors and results in order of arrival, without the position of an error within a function.
            CommandResult result = await Command.RunAsync(
                "/bin/sh",
                ["-c", $"exec psql -X -q -h {address.Host} -p {address.Port} -U {address.Username} -d {address.Database} 2>&1"],
                "\\set SHOW_CONTEXT never\n" + sql);
            string printed = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(result.Output));
            Lines(printed).ShouldBe(Lines(expected), sql);
        }
    }

    /// <summary>Without blanks at the ends of lines, which editors remove.</summary>
    private static string Lines(string text) => string.Join('\n', text.Split('\n').Select(line => line.TrimEnd())).Trim();

    [GeneratedRegex(@"^```sql\n(?<sql>.*?)^```\n(?:```text\n(?<text>.*?)^```$)?", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Examples();
}
