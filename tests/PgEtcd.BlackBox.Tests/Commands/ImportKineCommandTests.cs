using PgEtcd.BlackBox.Tests.Snapshots;
using PgEtcd.BlackBox.Tests.Starting;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>pgetcd import-kine, then a server on the imported store.</summary>
public sealed class ImportKineCommandTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    // A key never changed after row 1, an update, a tombstone, a lease, a binary value, the marks of kine and kube-apiserver.
    private const string Kine = """
        create table kine (id bigserial primary key, name text collate "C", created integer, deleted integer,
            create_revision bigint not null, prev_revision bigint, lease integer, value bytea, old_value bytea);
        insert into kine (name, created, deleted, create_revision, prev_revision, lease, value) values
            ('/registry/health', 1, 0, 0, 0, 0, '{"health":"true"}'), ('compact_rev_key', 1, 0, 0, 1, 0, ''),
            ('/registry/a', 1, 0, 0, 0, 0, '1'), ('/registry/a', 0, 0, 3, 3, 0, '\x00ff'), ('/registry/b', 1, 0, 0, 0, 600, 'x'),
            ('/registry/c', 1, 0, 0, 0, 0, 'y'), ('/registry/c', 0, 1, 0, 6, 0, null), ('gap-8', 0, 1, 0, 0, 0, null),
            ('compact_rev_key_apiserver', 1, 0, 0, 0, 0, '1|7')
        """;

    [Fact]
    public async Task A_server_serves_the_data_of_kine_with_the_same_revisions()
    {
        string database = await postgres.CreateDatabaseAsync();
        await Sql.ExecuteAsync(database, Kine);
        string store = await postgres.CreateDatabaseAsync();
        Verb pgetcd = new(store);

        (await pgetcd.TextAsync("import-kine", "--from", database, "--dry-run")).ShouldBe(
            "Would import revision 9, compacted at 9, 4 changes, 4 keys (0 of unknown version, 1 gap rows left out) "
            + "into schema 'pgetcd', which would be made.\n");
        (await Sql.ExecuteAsync(store, "select count(*) from pg_namespace where nspname = 'pgetcd'")).ShouldBe(0L);

        CommandResult imported = await pgetcd.RunAsync("import-kine", "--from", database);
        imported.ExitCode.ShouldBe(0, imported.Error);
        imported.Output.ShouldMatch(
            @"^Imported revision 9, compacted at 9, 4 changes, 4 keys \(0 of unknown version, 1 gap rows left out\), 1 leases, "
            + @"into schema 'pgetcd'\. "
            + @"HashKV of the database is that of kine's rows: \d+\.\n$");

        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(store))
        {
            imported.Output.ShouldContain($": {await SnapshotTools.HashAsync(server)}.");
            await using Kv kv = new(server);
            RangeResponse all = await kv.SendAsync(Kv.Range(Kv.End, 0, Kv.End));
            all.Header.Revision.ShouldBe(9);
            all.Kvs.Select(one => $"{one.Key.ToStringUtf8()} {one.CreateRevision} {one.ModRevision} {one.Version} {one.Lease:x}").ShouldBe(
                ["/registry/a 3 4 2 0", "/registry/b 5 5 1 6b696e6500000258", "/registry/health 1 1 1 0", "compact_rev_key 9 9 1 0"]);
            all.Kvs[0].Value.ToByteArray().ShouldBe([0, 255]);
            all.Kvs[3].Value.ToStringUtf8().ShouldBe("7");
            (await kv.PutAsync("/registry/health")).ShouldBe(10);
        }

        (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");
        (await pgetcd.RefusalAsync("import-kine", "--from", database)).ShouldContain("is not empty");
        (await pgetcd.RefusalAsync("import-kine", "--from", database, "--dry-run")).ShouldContain("is not empty");
    }

    [Fact]
    public async Task History_is_imported_on_request()
    {
        string database = await postgres.CreateDatabaseAsync();
        await Sql.ExecuteAsync(database, Kine);
        Verb pgetcd = new(database); // beside kine's own table, which stays
        await Sql.ExecuteAsync(
            database, "delete from kine where name like 'gap-%'; update kine set id = 8 where id = 9; select setval('kine_id_seq', 8)");
        (await pgetcd.RunAsync("import-kine", "--from", database, "--with-history", "--table", "public.kine")).Output
            .ShouldStartWith("Imported revision 8, compacted at 2, 7 changes, 4 keys");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        (await kv.AllAsync(6)).ShouldContain("/registry/c=y");
        (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");
    }

    [Fact]
    public async Task Bad_flags_are_refused_with_a_sentence()
    {
        string database = await postgres.CreateDatabaseAsync();
        Verb pgetcd = new(database);
        (await pgetcd.RefusalAsync("import-kine")).ShouldBe("pgetcd: pgetcd import-kine needs --from, kine's database.");
        (await pgetcd.RefusalAsync("import-kine", "--from", "nonsense")).ShouldStartWith("pgetcd: --from must be a URL");
        (await pgetcd.RefusalAsync("import-kine", "--from", $"postgres://x:{Refusal.Password}@127.0.0.1:1/x")).ShouldStartWith(
            "pgetcd: --from: no PostgreSQL answered");
        (await pgetcd.RefusalAsync("import-kine", "--from", database)).ShouldStartWith(
            "pgetcd: --from: there is no table 'kine' in the database ");
        (await pgetcd.RefusalAsync("import-kine", "--from", database, "more")).ShouldContain("takes no arguments");
        (await Sql.ExecuteAsync(database, "select count(*) from pg_namespace where nspname = 'pgetcd'")).ShouldBe(0L);
    }
}
