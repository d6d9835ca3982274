using System.Text.Json;
using Google.Protobuf;
using PgEtcd.BlackBox.Tests.Starting;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>pgetcd history, diff and state, beside a running server.</summary>
public sealed class PastCommandTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task History_diff_and_state_show_the_past()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        Verb pgetcd = new(database);
        await using Kv kv = new(server);
        await kv.PutAsync("app/a", "1");
        await kv.PutAsync("app/a", "2");
        await kv.SendAsync(Txn(Op(Put("app/b", "x")), Op(Put("other", "y"))));
        await kv.DeleteAsync("app/", "app0");
        await Sql.ExecuteAsync(database, "select pgetcd.put('app/b', 'from sql')");

        (await pgetcd.JsonAsync(
            ["history", "app/a"], "mod_revision", "change", "value_text", "version", "prev_mod_revision", "request", "archived"))
            .ShouldBe(["2 create 1 1  Put False", "3 update 2 2 2 Put False", "5 delete  0 3 DeleteRange False"]);
        (await pgetcd.JsonAsync(["history", "--prefix", "app/"], "mod_revision", "sub", "key_text", "change"))
            .ShouldBe(
                ["2 0 app/a create", "3 0 app/a update", "4 0 app/b create", "5 0 app/a delete", "5 1 app/b delete", "6 0 app/b create"]);
        JsonElement last = (await pgetcd.JsonAsync("history", "app/b"))[^1];
        last.GetProperty("frontend").GetString().ShouldBe("sql");
        last.GetProperty("value").GetBytesFromBase64().ShouldBe("from sql"u8.ToArray());
        DateTimeOffset at = (await pgetcd.JsonAsync("history", "app/a"))[1].GetProperty("committed_at").GetDateTimeOffset();

        string[] table = (await pgetcd.TextAsync("history", "app/a")).Split('\n');
        table[0].ShouldMatch("^REVISION +CHANGE +VALUE +VERSION +WHEN +USER +CLIENT +REQUEST +FRONTEND");
        table[2].ShouldMatch(
            $"^3 +update +2 +2 +{at.UtcDateTime:yyyy-MM-dd HH:mm:ss.fff}Z +.*ipv4:127.0.0.1:\\d+ +Put +default-[0-9a-f]{{8}}");

        (await pgetcd.JsonAsync(
            ["diff", "3", "6"], "key_text", "change", "old_value_text", "old_mod_revision", "new_value_text", "new_mod_revision"))
            .ShouldBe(["app/a delete 2 3  ", "app/b create   from sql 6", "other create   y 4"]);
        (await pgetcd.JsonAsync(["diff", "1h", "2", "--prefix", "other"])).ShouldBeEmpty();
        (await pgetcd.TextAsync("diff", "2", "3")).ShouldMatch(
            "KEY +CHANGE +OLD VALUE +NEW VALUE[^\n]*\napp/a +update +1 +2 *\n1 key differs between revision 2 and revision 3\\.\n");

        (await pgetcd.JsonAsync(["state", "--at", "4"], "key_text", "value_text", "create_revision", "mod_revision", "version", "lease"))
            .ShouldBe(["app/a 2 2 3 2 0", "app/b x 4 4 1 0", "other y 4 4 1 0"]);
        (await pgetcd.JsonAsync(["state", "--at", $"{at:O}", "--prefix=app/"], "key_text", "value_text")).ShouldBe(["app/a 2"]);
        (await pgetcd.JsonAsync(["state"], "key_text")).ShouldBe(["app/b", "other"]);
        (await pgetcd.TextAsync("state", "--at", "1h")).ShouldBe("0 keys at revision 1; the store is at 6.\n");
    }

    [Fact]
    public async Task Keys_that_are_not_text_can_be_named_and_do_not_affect_a_terminal()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        Verb pgetcd = new(database);
        await using Kv kv = new(server);
        await kv.SendAsync(new PutRequest { Key = ByteString.CopyFrom(0, 0xff, (byte)'k'), Value = Bytes("\u001b[31mred\u202e\n") });
        await kv.SendAsync(new PutRequest { Key = Bytes("long"), Value = Bytes(new string('v', 5000)) });

        string table = await pgetcd.TextAsync("state");
        table.ShouldContain(@"\x00\xffk ");
        table.ShouldContain(@"\x1b[31mred\xe2\x80\xae\x0a ");
        table.ShouldNotContain("\u001b");
        table.ShouldContain("(5000 bytes)");
        (await pgetcd.TextAsync("history", "--hex", @"\x00\xff\x6b")).ShouldContain(@" \x1b\x5b\x33\x31\x6d\x72");
        JsonElement line = (await pgetcd.JsonAsync("history", "00ff6b", "--hex")).ShouldHaveSingleItem();
        line.GetProperty("key").GetBytesFromBase64().ShouldBe([0, 0xff, (byte)'k']);
        line.GetProperty("key_text").ValueKind.ShouldBe(JsonValueKind.Null);
        line.GetProperty("value_text").GetString().ShouldBe("\u001b[31mred\u202e\n");
        (await pgetcd.RefusalAsync("history", "--hex", "xyz")).ShouldBe("pgetcd: --hex: \"xyz\" is not hex.");
    }

    [Fact]
    public async Task Compacted_revisions_are_read_from_the_archive_or_refused()
    {
        string database = await postgres.CreateStoreAsync();
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: ["--history-retention=1d"]))
        {
            await using Kv kv = new(server);
            await kv.PutAsync("a", "1");
            await kv.PutAsync("a", "2");
            await kv.CompactAsync(await kv.PutAsync("a", "3"), physical: true);
            await kv.PutAsync("z", "end"); // the last rows of a frontend are held back for some seconds
        }

        Verb pgetcd = new(database);
        (await pgetcd.JsonAsync(["state", "--at", "2"], "value_text")).ShouldBe(["1"]);
        (await pgetcd.JsonAsync(["history", "a"], "value_text", "archived")).ShouldBe(["1 True", "2 True", "3 False"]);
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            await kv.CompactAsync(await kv.PutAsync("a", "4"), physical: true);
        }

        (await pgetcd.RefusalAsync("state", "--at", "2"))
            .ShouldBe("pgetcd: Revision 2 is compacted and not in the archive; the oldest revision kept is 6.");
        (await pgetcd.RefusalAsync("diff", "2", "6")).ShouldContain("Revision 2 is compacted");
        (await pgetcd.JsonAsync(["state"], "value_text")).ShouldBe(["4", "end"]);
        (await pgetcd.RefusalAsync("history", "b")).ShouldBe(
            "pgetcd: There was no key 'b' since revision 6, and earlier history is gone.");
        (await new Verb(database).TextAsync("verify")).ShouldEndWith("All hold.\n");
    }

    [Fact]
    public async Task Errors_are_one_sentence()
    {
        string database = await postgres.CreateDatabaseAsync();
        Verb pgetcd = new(database);
        (await pgetcd.RefusalAsync("state")).ShouldBe("pgetcd: --schema: there is no store in schema 'pgetcd'.");
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            await kv.PutAsync("a", "1");
        }

        (await pgetcd.RefusalAsync("history", "b")).ShouldBe("pgetcd: There was no key 'b'.");
        (await pgetcd.RefusalAsync("history")).ShouldBe("pgetcd: pgetcd history needs either KEY or --prefix.");
        (await pgetcd.RefusalAsync("state", "--at", "3")).ShouldBe("pgetcd: Revision 3 was requested, but the store is at 2.");
        (await pgetcd.RefusalAsync("state", "--at", "2999-01-01")).ShouldContain("is in the future.");
        (await pgetcd.RefusalAsync("state", "--at", "soon"))
            .ShouldBe("pgetcd: --at must be a revision, a time or how long ago, not \"soon\".");
        (await pgetcd.RefusalAsync("state", "--at", "99999999999999999999")).ShouldContain("there is no revision");
        (await pgetcd.RefusalAsync("diff", "2", "1")).ShouldBe("pgetcd: FROM (revision 2) must not be after TO (revision 1).");
        (await pgetcd.RefusalAsync("diff", "2")).ShouldBe("pgetcd diff needs FROM TO: see pgetcd diff --help.");
        (await pgetcd.RefusalAsync("diff", "1", "2", "3")).ShouldBe("pgetcd diff takes FROM TO and no more: see pgetcd diff --help.");
        (await pgetcd.RefusalAsync("state", "--output", "xml")).ShouldBe("pgetcd: --output must be table or json, not \"xml\".");
        (await pgetcd.RefusalAsync("state", "--att", "1")).ShouldContain("--att");
        (await Refusal.OfAsync("state", "--data-dir", "/no/such/directory"))
            .ShouldBe("pgetcd: There is no store in /no/such/directory: name one with --database or --data-dir.");

        await Sql.ExecuteAsync(database, "create schema other; create table other.migrations (id text)");
        (await new Verb(database, "other").RefusalAsync("state")).ShouldBe(
            "pgetcd: --schema: 'other' has migrations that are not pgetcd's.");
        object last = (await Sql.ExecuteAsync(
            database, "delete from pgetcd.migrations where number = (select max(number) from pgetcd.migrations) returning number"))!;
        (await pgetcd.RefusalAsync("state")).ShouldMatch(
            $"'pgetcd' is of an older pgetcd \\(schema version \\d+, this binary needs {last}\\): run pgetcd migrate first\\.$");
        await Sql.ExecuteAsync(database, "insert into pgetcd.migrations (number, name) values (9999, 'later')");
        (await pgetcd.RefusalAsync("state")).ShouldContain("was written by a newer pgetcd (schema version 9999");
    }

    [Fact]
    public async Task An_auditor_may_read_the_past_but_not_verify()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        await Sql.ExecuteAsync(
            database, "drop role if exists verb_auditor; create role verb_auditor login; select pgetcd.grant_auditor('verb_auditor')");
        Verb auditor = new(new Npgsql.NpgsqlConnectionStringBuilder(database) { Username = "verb_auditor" }.ConnectionString);

        (await auditor.JsonAsync(["history", "a"], "value_text")).ShouldBe(["1"]);
        (await auditor.JsonAsync(["state"], "value_text")).ShouldBe(["1"]);
        (await auditor.RefusalAsync("verify")).ShouldContain("permission denied");
    }

    [Fact]
    public async Task Each_verb_explains_itself_and_works_on_the_private_PostgreSQL()
    {
        foreach (string verb in new[] { "history", "diff", "state", "verify", "migrate" })
        {
            (await Snapshots.SnapshotTools.PgEtcdAsync(verb, "--help")).Output.ShouldStartWith($"Usage: pgetcd {verb}");
        }

        using TempDirectory files = new("verbs");
        Uri url = new($"http://127.0.0.1:{FreePort.Next()}");
        string directory = $"{files.Path}/data";
        await using (PgEtcdServer server = await PgEtcdServer.StartWithAsync(
            url, ["--data-dir", directory, "--listen-client-urls", url.ToString().TrimEnd('/')]))
        {
            await using Kv kv = new(server);
            await kv.PutAsync("a", "1");
            (await Snapshots.SnapshotTools.PgEtcdAsync("history", "a", "--data-dir", directory)).Output.ShouldContain("create");
        }

        (await Snapshots.SnapshotTools.PgEtcdAsync("verify", "--data-dir", directory)).Output.ShouldEndWith("All hold.\n");
    }
}
