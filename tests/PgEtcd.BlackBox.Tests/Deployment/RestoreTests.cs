using System.Text.RegularExpressions;
using PgEtcd.Protocol;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Deployment;

/// <summary>The instructions of docs/operations.md for a restored PostgreSQL.</summary>
public sealed class RestoreTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task The_statement_after_a_restore_moves_the_revision_up_and_marks_all_before_as_compacted()
    {
        string text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "operations.md"));
        string statement = Regex.Match(text, @"^select pgetcd\.ensure_history\(.*;$", RegexOptions.Multiline).Value;
        statement.ShouldNotBeEmpty();
        string database = await postgres.CreateStoreAsync();
        await using (PgEtcdServer before = await PgEtcdServer.StartAsync(database))
        await using (Kv kv = new(before))
        {
            await kv.PutAsync("kept", "1");
            (await before.StopAsync()).ShouldBe(0);
        }

        (await Sql.ExecuteAsync(database, statement)).ShouldBe(false);

        await using PgEtcdServer after = await PgEtcdServer.StartAsync(database);
        await using Kv again = new(after);
        (await again.RevisionAsync()).ShouldBeGreaterThan(1_000_000_000);
        (await again.AllAsync()).ShouldBe(["kept=1"]);
        await RefusedAsync(() => again.ReadAsync("kept", revision: 2), EtcdErrors.Compacted);
    }
}
