using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.BlackBox.Tests.Snapshots;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>Moves one tenant's keys from a store to another: pgetcd export --prefix, and import of JSON lines.</summary>
public sealed class KeyFileTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_tenant_is_exported_and_imported_under_another_prefix_beside_a_server()
    {
        using TempDirectory files = new("keys");
        string file = $"{files.Path}/tenant.jsonl";
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        Verb pgetcd = new(database);
        await using Kv kv = new(server);
        long lease = (
            await kv.Channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>("etcdserverpb.Lease/LeaseGrant", new() { TTL = 600 })).ID;
        for (int i = 0; i < 300; i++)
        {
            await Sql.ExecuteAsync(database, $"select pgetcd.put('/t/a/{i:000}', '{i}')");
        }

        await Sql.ExecuteAsync(database, @"select pgetcd.put('\x2f742f612f00ff'::bytea, '\x00ff'::bytea)");
        await kv.SendAsync(Kv.Put("/t/a/leased", "x", lease));
        await kv.PutAsync("/t/b/other", "y");
        long then = await kv.RevisionAsync();
        await kv.DeleteAsync("/t/a/", "/t/a0");

        (await pgetcd.TextAsync("export", file, "--prefix", "/t/a/", "--at", $"{then}", "--format", "jsonl"))
            .ShouldBe($"Exported schema 'pgetcd' to {file}: revision {then}, prefix '/t/a/', 302 keys.\n");
        CommandResult printed = await pgetcd.RunAsync("export", "-", "--prefix=/t/a/", $"--at={then}", "--format=jsonl");
        printed.Output.ShouldBe(await File.ReadAllTextAsync(file));
        printed.Output.ShouldBe(await pgetcd.TextAsync("state", "--prefix", "/t/a/", "--at", $"{then}", "--output", "json"));

        (await pgetcd.TextAsync("import", file, "--format", "jsonl", "--from-prefix", "/t/a/", "--to-prefix", "/t/c/")).ShouldBe(
            $"Imported 302 keys from {file} into schema 'pgetcd': revisions {then + 2} to {then + 4}. "
            + "1 of them had a lease and were imported without it.\n");
        string[] keys = await kv.AllAsync();
        keys.Length.ShouldBe(303);
        keys.ShouldContain("/t/b/other=y");
        keys.ShouldContain("/t/c/299=299");
        (await kv.SendAsync(Kv.Range("/t/c/leased"))).Kvs.Single().ToString().ShouldContain($"\"createRevision\": \"{then + 4}\"");
        (await kv.SendAsync(Kv.Range("/t/c/\0", 0, "/t/c/\u0001"))).Kvs.Single().Value.ToByteArray().ShouldBe([0, 255]);
        (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");

        (await pgetcd.RefusalAsync("import", file, "--format", "jsonl", "--from-prefix", "/t/a/", "--to-prefix", "/t/c/"))
            .ShouldMatch(@"^pgetcd: .*: the key '/t/c/.*' exists already: nothing was imported\.$");
        (await pgetcd.TextAsync("import", file, "--format", "jsonl", "--from-prefix", "/t/a/", "--to-prefix", "/t/c/", "--replace"))
            .ShouldContain("302 keys");
        (await kv.SendAsync(Kv.Range("/t/c/000"))).Kvs.Single().Version.ShouldBe(2);
        (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");
    }

    [SkippableFact]
    public async Task A_snapshot_of_a_prefix_is_a_store_for_etcd_and_for_PgEtcd()
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("keys");
        string file = $"{files.Path}/tenant.db";
        string database = await postgres.CreateStoreAsync();
        Verb pgetcd = new(database);
        await Sql.ExecuteAsync(database, "select pgetcd.put(k, 'v') from unnest(array['/t/a/1', '/t/b/1', '/t/a/2', '/t/b/2']) k");
        await Sql.ExecuteAsync(database, "select pgetcd.put('/t/a/1', 'w')");
        await Sql.ExecuteAsync(database, "select pgetcd.delete('/t/a/2')");

        (await pgetcd.TextAsync("export", file, "--prefix", "/t/a/", "--at", "6")).ShouldMatch(
            @"^Exported schema 'pgetcd' to .*: revision 6, prefix '/t/a/', 2 keys, 0 leases, \d+ bytes\.\n$");
        string copy = await postgres.CreateStoreAsync();
        await SnapshotTools.ImportAsync(file, copy);
        (await new Verb(copy).JsonAsync(["state"], "key_text", "value_text", "create_revision", "mod_revision", "version"))
            .ShouldBe(["/t/a/1 w 2 6 2", "/t/a/2 v 4 4 1"]);
        (await new Verb(copy).TextAsync("verify")).ShouldEndWith("All hold.\n");

        await using EtcdServer etcd = await EtcdServer.StartFromAsync(file);
        await using Kv kv = new(etcd);
        (await kv.AllAsync()).ShouldBe(["/t/a/1=w", "/t/a/2=v"]);
        (await kv.PutAsync("next")).ShouldBe(7);
    }

    [Theory]
    [InlineData("not json", "line 1 is not a JSON object with a key and a value in base64")]
    [InlineData("""{"key":"YQ=="}""", "line 1 is not a JSON object with a key and a value in base64")]
    [InlineData("""{"key":"YQ==","value":"***"}""", "line 1 is not a JSON object with a key and a value in base64")]
    [InlineData("""["YQ=="]""", "line 1 is not a JSON object with a key and a value in base64")]
    [InlineData("""{"key":"","value":"YQ=="}""", "line 1 has an empty key")]
    [InlineData(
        "{\"key\":\"YQ==\",\"value\":\"\"}\n{\"key\":\"Yg==\",\"value\":\"\"}",
        "line 2 has the key 'b', which does not begin with 'a'",
        "--from-prefix=a", "--to-prefix=x")]
    [InlineData("{\"key\":\"YQ==\",\"value\":\"\"}\n\n{\"key\":\"YQ==\",\"value\":\"\"}", "the key 'a' is there twice")]
    public async Task A_bad_file_is_refused_and_nothing_is_imported(string text, string why, params string[] flags)
    {
        using TempDirectory files = new("keys");
        string file = $"{files.Path}/bad.jsonl";
        await File.WriteAllTextAsync(file, text);
        string database = await postgres.CreateStoreAsync();
        (await new Verb(database).RefusalAsync(["import", file, "--format=jsonl", .. flags])).ShouldBe(
            $"pgetcd: {file}: {why}: nothing was imported.");
        (await Sql.ExecuteAsync(database, "select revision from pgetcd.status")).ShouldBe(1L);
    }

    [Fact]
    public async Task Bad_flags_are_refused_with_a_sentence()
    {
        string database = await postgres.CreateStoreAsync();
        Verb pgetcd = new(database);
        (await pgetcd.RefusalAsync("export", "x", "--format", "csv")).ShouldBe("pgetcd: --format must be snapshot or jsonl, not \"csv\".");
        (await pgetcd.RefusalAsync("export", "/nowhere/x", "--format", "jsonl")).ShouldStartWith("pgetcd: /nowhere/x cannot be written: ");
        (await pgetcd.RefusalAsync("export", "x", "--at", "9")).ShouldBe("pgetcd: Revision 9 was requested, but the store is at 1.");
        (await pgetcd.RefusalAsync("import", "/nowhere/x", "--format", "jsonl")).ShouldStartWith("pgetcd: /nowhere/x cannot be read: ");
        (await pgetcd.RefusalAsync("import", "-")).ShouldStartWith("pgetcd: a snapshot cannot be read from stdin");
        (await pgetcd.RefusalAsync("import", "x", "--replace")).ShouldBe("pgetcd: --replace does not go with --format=snapshot.");
        (await pgetcd.RefusalAsync("import", "x", "--format=jsonl", "--without-auth")).ShouldBe(
            "pgetcd: --without-auth does not go with --format=jsonl.");
    }
}
