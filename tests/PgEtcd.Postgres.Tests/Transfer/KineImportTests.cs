using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Tests.Verification;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Postgres.Transfer.Kine;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Transfer;

/// <summary>kine's table becomes a store with the same revisions.</summary>
public sealed class KineImportTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string State =
        "select format('%s=%s %s/%s', key_text, value_text, create_revision, mod_revision) from pgetcd.current_state order by key";

    private const string Log = """
        select format('%s %s=%s %s/%s', revision, pgetcd.as_text(key), coalesce(pgetcd.as_text(value), '-'), create_revision, version)
        from pgetcd.revisions order by revision
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_present_keys_are_imported_with_their_revisions_and_all_before_is_compacted(bool isOld)
    {
        KineStore kine = await KineStore.CreateAsync(postgres, isOld);
        await kine.PutAsync("/registry/health", """{"health":"true"}""");
        await kine.PutAsync("/a", "1");
        await kine.PutAsync("/a", "2");
        await kine.DeleteAsync("/registry/health", isOld);
        await kine.PutAsync("/registry/health", "again");
        await kine.FillAsync();
        await kine.PutAsync("/b", "");
        await kine.DeleteAsync("/b", isOld);
        await kine.BurnAsync();

        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        KineCounts counts = await ImportAsync(kine, log);

        counts.ShouldBe(new KineCounts(Revision: 10, CompactRevision: 10, Rows: 2, Keys: 2, UnknownVersions: 0, Gaps: 1));
        (await log.QueryAsync<string>(Log)).ShouldBe(["4 /a=2 3/2", "6 /registry/health=again 6/1"]);
        (await log.QueryAsync<string>("select format('%s %s', revision, compact_revision) from pgetcd.status")).ShouldBe(["10 10"]);
        (await log.QueryAsync<long?>("select pgetcd.put('/a', '3')")).ShouldBe([11]);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task History_is_imported_after_the_last_gap()
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.PutAsync("/a", "1");
        await kine.BurnAsync();
        await kine.PutAsync("/a", "2");
        await kine.PutAsync("/b", "1");
        await kine.DeleteAsync("/b");
        await kine.PutAsync("/b", "2");
        // No client has seen this revision.
        await kine.BurnAsync();

        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        KineCounts counts = await ImportAsync(kine, log, withHistory: true);

        counts.ShouldBe(new KineCounts(Revision: 7, CompactRevision: 3, Rows: 5, Keys: 2, UnknownVersions: 0, Gaps: 0));
        (await log.QueryAsync<string>(Log)).ShouldBe(["2 /a=1 2/1", "4 /a=2 2/2", "5 /b=1 5/1", "6 /b=- 0/0", "7 /b=2 7/1"]);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Versions_that_compaction_has_made_unknown_are_counted_from_two()
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.PutAsync("/a", "1");
        await kine.PutAsync("/a", "2");
        long mark = await kine.PutAsync("/a", "3");
        await kine.PutAsync("/a", "4");
        await kine.CompactAsync(mark);

        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        (await ImportAsync(kine, log, withHistory: true)).ShouldBe(
            new KineCounts(Revision: 5, CompactRevision: 4, Rows: 2, Keys: 1, UnknownVersions: 2, Gaps: 0));
        (await log.QueryAsync<string>(Log)).ShouldBe(["4 /a=3 2/2", "5 /a=4 2/3"]);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("7|4711", "4711", 7)]
    [InlineData("7", "0", 7)]
    [InlineData("1|x|y", "x|y", 1)]
    [InlineData("nonsense", "0", 1)]
    public async Task The_compaction_key_of_kube_apiserver_has_the_version_in_its_value(
        string stored, string value, int version)
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.PutAsync("compact_rev_key_apiserver", "1|0");
        long last = await kine.PutAsync("compact_rev_key_apiserver", stored);
        if (version == 1)
        {
            await kine.RunAsync(
                $"delete from kine where id < {last} and id > 1; update kine set created = 1, create_revision = 0 where id = {last}");
        }
        else
        {
            await kine.CompactAsync(last);
        }

        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        await ImportAsync(kine, log);
        (await log.QueryAsync<string>(Log)).ShouldBe([$"3 compact_rev_key={value} {(version == 1 ? 3 : 2)}/{version}"]);
    }

    [Fact]
    public async Task Each_ttl_becomes_a_lease_that_starts_now()
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.PutAsync("/event/1", "1", lease: 3660);
        await kine.PutAsync("/event/2", "1", lease: 3660);
        await kine.PutAsync("/master", "1", lease: 15);
        await kine.PutAsync("/gone", "1", lease: 60);
        await kine.DeleteAsync("/gone", isOld: true);
        await kine.PutAsync("/none", "1");

        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        await ImportAsync(kine, log);
        (await log.QueryAsync<string>("""
            select format('%s %s %s', id_hex, ttl, ttl - expires_in < interval '1 minute')
            from (select id_hex, ttl * interval '1 s' as ttl, expires_in from pgetcd.active_leases) l order by 1
            """))
            .ShouldBe(["6b696e650000000f 00:00:15 t", "6b696e6500000e4c 01:01:00 t"]);
        (await log.QueryAsync<string>("select format('%s %s', key_text, lease_hex) from pgetcd.lease_keys order by 1"))
            .ShouldBe(["/event/1 6b696e6500000e4c", "/event/2 6b696e6500000e4c", "/master 6b696e650000000f"]);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Values_are_bytes_names_are_text_and_the_first_row_may_be_a_key()
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.RunAsync("update kine set id = 5 where id = 1; insert into kine values (1, '/ключ', 1, 0, 0, 0, 0, '\\x00ff80', null)");
        await kine.RunAsync("insert into kine values (2, '/null', 1, 0, 0, 0, 0, null, null)");
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        await ImportAsync(kine, log);
        (await log.QueryAsync<string>("select format('%s %s %s', mod_revision, key_text, value) from pgetcd.current_state order by 1"))
            .ShouldBe([@"1 /ключ \x00ff80", @"2 /null \x"]);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_empty_kine_becomes_an_empty_store()
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.RunAsync("delete from kine");
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        (await ImportAsync(kine, log, withHistory: true)).Rows.ShouldBe(0);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_table_that_is_not_kines_is_refused_and_concurrent_writes_are_noticed()
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.RunAsync("create table other (id bigint, name text)");
        await using Database source = Source(kine);
        (await Should.ThrowAsync<DatabaseStartException>(() => KineTable.OpenAsync(source, "missing", false, CancellationToken.None)))
            .Message.ShouldStartWith("--from: there is no table 'missing' in the database '");
        (await Should.ThrowAsync<DatabaseStartException>(() => KineTable.OpenAsync(source, "other", false, CancellationToken.None)))
            .Message.ShouldBe("--from: the table 'other' is not kine's: it has no column 'created'.");
        await using KineTable table = await KineTable.OpenAsync(source, "public.kine", false, CancellationToken.None);
        (await table.IsUnchangedAsync(CancellationToken.None)).ShouldBeTrue();
        await kine.PutAsync("/late", "1");
        (await table.IsUnchangedAsync(CancellationToken.None)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_row_without_a_name_is_refused_and_nothing_is_imported()
    {
        KineStore kine = await KineStore.CreateAsync(postgres);
        await kine.PutAsync("/a", "1");
        await kine.PutAsync("", "1");
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        (await Should.ThrowAsync<DatabaseStartException>(() => ImportAsync(kine, log))).Message
            .ShouldBe("--from: the row with id 3 has no name: nothing was imported.");
        (await log.QueryAsync<long>("select count(*) from pgetcd.revisions")).ShouldBe([0]);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public async Task The_keys_are_the_same_after_any_history_of_kine(int seed, bool withHistory)
    {
        KineStore kine = await KineStore.CreateAsync(postgres, isOld: seed % 2 == 1);
        Random random = new(seed);
        long last = 1;
        for (int i = 0; i < 150; i++)
        {
            string name = $"/{random.Next(12)}";
            switch (random.Next(24))
            {
                case 0:
                    await kine.BurnAsync();
                    break;
                case 1:
                    await kine.FillAsync();
                    break;
                case 2 when i > 20:
                    await kine.CompactAsync(last - random.Next(10));
                    break;
                case < 10 when kine.Live.Any(one => one.StartsWith(name + "=", StringComparison.Ordinal)):
                    last = await kine.DeleteAsync(name, isOld: random.Next(2) == 0);
                    break;
                default:
                    last = await kine.PutAsync(name, $"{i}", random.Next(3));
                    break;
            }
        }

        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        KineCounts counts = await ImportAsync(kine, log, withHistory);
        (await log.QueryAsync<string>(State)).Order(StringComparer.Ordinal).ShouldBe(kine.Live.Order(StringComparer.Ordinal));
        counts.Keys.ShouldBe(kine.Live.Count());
        counts.Revision.ShouldBeGreaterThanOrEqualTo(last);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    private static Database Source(KineStore kine) =>
        new(kine.ConnectionString, new SchemaName("pgetcd"), NullLoggerFactory.Instance, "--from");

    private static async Task<KineCounts> ImportAsync(KineStore kine, LogFixture log, bool withHistory = false)
    {
        await using Database source = Source(kine);
        await using KineTable table = await KineTable.OpenAsync(source, "kine", withHistory, CancellationToken.None);
        await using LogImport import = (await LogImport.BeginAsync(log.Database, null, CancellationToken.None)).ShouldNotBeNull();
        KineImport copy = new(table, import);
        (await copy.CopyAsync(_ => { }, CancellationToken.None)).ShouldBe(table.Counts.Rows);
        (await copy.CheckAsync(_ => { }, CancellationToken.None)).ShouldBeTrue();
        await import.CommitAsync(CancellationToken.None);
        return table.Counts;
    }
}
