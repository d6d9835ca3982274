using System.Text.Json;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>pgetcd restore and history --follow, beside a running server.</summary>
public sealed class RestoreCommandTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_prefix_is_shown_then_restored_and_the_server_serves_it()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        Verb pgetcd = new(database);
        await using Kv kv = new(server);
        await kv.PutAsync("p/a", "1");
        await kv.PutAsync("p/b", "1");
        await kv.PutAsync("q", "1");
        await kv.PutAsync("p/a", "2");
        await kv.DeleteAsync("p/b");
        await kv.PutAsync("p/c", "2");

        (await pgetcd.JsonAsync(
            ["restore", "--prefix", "p/", "--at", "4", "--dry-run"], "change", "key_text", "old_value_text", "new_value_text"))
            .ShouldBe(["update p/a 2 1", "create p/b  1", "delete p/c 2 "]);
        (await pgetcd.TextAsync("restore", "--prefix", "p/", "--at", "4", "--dry-run")).ShouldEndWith(
            "3 keys would be restored to revision 4; the store is at 7. To do this and nothing else: --unchanged-since 7.\n");
        (await kv.RevisionAsync()).ShouldBe(7);

        await kv.PutAsync("p/d", "2");
        (await pgetcd.RefusalAsync("restore", "--prefix", "p/", "--at", "4", "--unchanged-since", "7", "--output", "json", "--dry-run=no"))
            .ShouldContain("--dry-run");
        CommandResult refused = await pgetcd.RunAsync("restore", "--prefix", "p/", "--at", "4", "--unchanged-since", "7");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldBe(
            "pgetcd: the keys have changed since revision 7 (Key p/d changed at revision 8): nothing was restored.\n");
        (await kv.RevisionAsync()).ShouldBe(8);

        (await pgetcd.TextAsync("restore", "--prefix", "p/", "--at", "4")).ShouldEndWith(
            "\n4 keys restored to revision 4, by revision 9.\n");
        (await kv.AllAsync()).ShouldBe(["p/a=1", "p/b=1", "q=1"]);
        (await pgetcd.TextAsync("restore", "--prefix", "p/", "--at", "4")).ShouldBe("Nothing differs from revision 4.\n");
        (await pgetcd.TextAsync("restore", "q", "--at", "1")).ShouldEndWith("\n1 key restored to revision 1, by revision 10.\n");
        (await kv.AllAsync()).ShouldBe(["p/a=1", "p/b=1"]);
        (await pgetcd.JsonAsync(["history", "q"], "change", "request")).ShouldBe(["create Put", "delete restore_key"]);
    }

    [Fact]
    public async Task Bad_requests_are_refused_with_a_sentence()
    {
        string database = await postgres.CreateStoreAsync();
        Verb pgetcd = new(database);
        await Sql.ExecuteAsync(database, "select pgetcd.put('a', '1')");
        (await pgetcd.RefusalAsync("restore")).ShouldBe("pgetcd: pgetcd restore needs either KEY or --prefix.");
        (await pgetcd.RefusalAsync("restore", "a", "--prefix", "a", "--at", "1")).ShouldBe(
            "pgetcd: pgetcd restore needs either KEY or --prefix.");
        (await pgetcd.RefusalAsync("restore", "a")).ShouldBe("pgetcd: pgetcd restore needs --at, the moment to go back to.");
        (await pgetcd.RefusalAsync("restore", "a", "--at", "soon"))
            .ShouldBe("pgetcd: --at must be a revision, a time or how long ago, not \"soon\".");
        (await pgetcd.RefusalAsync("restore", "a", "--at", "9")).ShouldBe("pgetcd: Revision 9 was requested, but the store is at 2.");
        (await pgetcd.RefusalAsync("restore", "a", "--at", "1", "--unchanged-since", "x"))
            .ShouldBe("pgetcd: --unchanged-since must be a revision, not \"x\".");
        (await Sql.ExecuteAsync(database, "select max(revision) from pgetcd.revisions")).ShouldBe(2L);
    }

    [Fact]
    public async Task History_follows_changes_by_servers_and_in_sql()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        await kv.PutAsync("p/a", "1");
        await using ChildProcess follower = PgEtcdServer.Launch(
            ["history", "--prefix", "p/", "--follow", "--output", "json", "--database", database]);
        await SaysAsync(follower, said => Keys(said).SequenceEqual(["2 p/a"]));
        await kv.PutAsync("p/b", "1");
        await kv.PutAsync("q", "1");
        await Sql.ExecuteAsync(database, "select pgetcd.put('p/a', '2')");
        await SaysAsync(follower, said => Keys(said).SequenceEqual(["2 p/a", "3 p/b", "5 p/a"]));

        await using ChildProcess one = PgEtcdServer.Launch(["history", "new", "--follow", "--database", database]);
        await kv.PutAsync("new", "x");
        await SaysAsync(one, said => said.Split((char)10).Any(line => line.StartsWith("6 ", StringComparison.Ordinal)));
        await kv.PutAsync("new", "y");
        await SaysAsync(one, said => said.Split((char)10).Any(line => line.StartsWith("7 ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Following_ends_with_a_sentence_when_changes_were_removed_before_they_were_shown()
    {
        string database = await postgres.CreateStoreAsync();
        await Sql.ExecuteAsync(database, "select pgetcd.put('a', '1')");
        await using ChildProcess follower = PgEtcdServer.Launch(["history", "a", "--follow", "--database", database]);
        await SaysAsync(follower, said => said.Contains("create", StringComparison.Ordinal));
        await Sql.ExecuteAsync(database, "update pgetcd.removal set kept_revision = 9");
        await follower.WaitForExitAsync();
        follower.ExitCode.ShouldBe(1);
        follower.Output.ShouldContain("pgetcd: Some changes after revision 2 are gone; the oldest known state is that of revision 9.");
    }

    private static Task SaysAsync(ChildProcess follower, Func<string, bool> isSaid) =>
        follower.WaitUntilAsync(() => Task.FromResult(isSaid(follower.Output)), "the changes are told");

    private static IEnumerable<string> Keys(string said) => said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
        line => JsonElement.Parse(line))
        .Select(row => $"{row.GetProperty("mod_revision")} {row.GetProperty("key_text")}");
}
