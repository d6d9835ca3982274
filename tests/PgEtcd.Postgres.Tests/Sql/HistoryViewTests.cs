using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>The history: the previous value and the author of each change, and the forms of keys and values.</summary>
public sealed class HistoryViewTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Changes = """
        select format('%s %s %s after %s', mod_revision, change, key_text, coalesce(prev_mod_revision::text, '-'))
        from pgetcd.history order by mod_revision, sub
        """;

    [Fact]
    public async Task Each_change_shows_the_previous_value_through_compaction_into_the_archive()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("b"));
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Delete("a", "z"));
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("a"));
        string[] all =
        [
            "2 create a after -", "3 create b after -", "4 update a after 2", "5 delete a after 4", "5 delete b after 3",
            "6 create a after -", "7 update a after 6",
        ];
        (await log.Log.QueryAsync<string>(Changes)).ShouldBe(all);

        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(1), CancellationToken.None);
        await log.CompactAsync(7);
        await log.RemoveAsync(toArchive: true);
        (await log.RowsAsync()).Count.ShouldBe(1);
        (await log.Log.QueryAsync<string>(Changes)).ShouldBe(all);
        (await log.Log.QueryAsync<long>("select mod_revision from pgetcd.history where archived order by 1")).ShouldBe([2, 3, 4, 5, 5, 6]);
    }

    [Fact]
    public async Task An_older_version_is_not_mistaken_for_a_removed_one()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(1), CancellationToken.None);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("a"));
        await log.CompactAsync(3);
        await log.RemoveAsync(toArchive: true); // 2
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Delete("a"));
        await log.CompactAsync(5);
        await log.RemoveAsync(toArchive: false); // 3 and 4
        (await log.Log.QueryAsync<string>(Changes)).ShouldBe(["2 create a after -", "5 delete a after -"]);
    }

    [Fact]
    public async Task Every_change_has_user_time_and_address()
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        AppendBatch batch = new(LogPosition.Empty);
        batch.Add(LogFixture.Put("a", "1", 2), "alice", "ipv4:10.1.1.1:5");
        batch.Add(LogFixture.Put("b", "1", 3), "bob", "ipv4:10.1.1.2:5");
        batch.Add(LogFixture.Put("c", "1", 4), "alice", "ipv4:10.1.1.1:5");
        await log.AppendAsync(batch);
        (await log.QueryAsync<string>("select key_text from pgetcd.changes_by('alice')")).ShouldBe(["a", "c"]);
        (await log.QueryAsync<string>("select key_text from pgetcd.changes_by('alice', until => '2020-01-01')")).ShouldBeEmpty();
        (await log.QueryAsync<string>("select key_text from pgetcd.changes_by('bob', clock_timestamp() - interval '1 minute')"))
            .ShouldBe(["b"]);
        (await log.QueryAsync<string>("select format('%s %s %s', username, client, frontend like 'here-%') from pgetcd.key_history('b')"))
            .ShouldBe(["bob ipv4:10.1.1.2:5 t"]);
    }

    [Fact]
    public async Task Every_compaction_is_recorded_with_its_user()
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        await log.AppendAsync(LogFixture.Puts(1, "a=1", "b=2", "c=3"));
        await log.Log.CompactAsync(2, Guid.NewGuid(), CancellationToken.None, "alice", "ipv4:10.1.1.1:5");
        await log.Log.CompactAsync(3, Guid.NewGuid(), CancellationToken.None);
        (await log.Log.CompactAsync(3, Guid.NewGuid(), CancellationToken.None, "bob", "nobody")).ShouldBe(CompactOutcome.AlreadyCompacted);
        await log.QueryAsync<string>("select outcome from pgetcd.compact(4)");
        (await log.QueryAsync<string>("""
            select format('%s %s %s %s', compact_revision, username, coalesce(client, '-'), coalesce(split_part(frontend, '-', 1), '-'))
            from pgetcd.compactions where compacted_at > clock_timestamp() - interval '1 minute' order by 1
            """)).ShouldBe(["2 alice ipv4:10.1.1.1:5 here", "3 postgres - here", "4 postgres - -"]);
    }

    [Theory]
    [InlineData("as_text('\\x61c3bc')", "aü")]
    [InlineData("as_text('\\xff')", null)]
    [InlineData("as_text('\\x6100')", null)]
    [InlineData("as_json(convert_to('{\"a\":[1,\"x\"]}', 'UTF8')) #>> '{a,1}'", "x")]
    [InlineData("as_json('{\"a\":')", null)]
    [InlineData("as_json('\\xff')", null)]
    [InlineData("as_json('')", null)]
    [InlineData("as_json(convert_to('\"\\u0000\"', 'UTF8'))", null)]
    [InlineData("prefix_end('a')", "b")]
    [InlineData("prefix_end('\\x61ff')", "b")]
    [InlineData("prefix_end('\\xffff')", null)]
    [InlineData("prefix_end('')", null)]
    public async Task Bytes_have_text_and_JSON_forms_or_null(string expression, string? expected)
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        string text = expression.StartsWith("prefix", StringComparison.Ordinal)
            ? $"convert_from(pgetcd.{expression}, 'UTF8')"
            : $"(pgetcd.{expression})::text";
        (await log.QueryAsync<string?>($"select {text}")).ShouldBe([expected]);
    }

    [Fact]
    public async Task Kubernetes_objects_are_described_and_garbage_is_harmless()
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        byte[] pod = KubernetesObject("apps/v1", "Deployment", "web-ü", "shop");
        (await KubernetesAsync(log, pod)).ShouldBe("apps/v1 Deployment web-ü shop");
        (await KubernetesAsync(log, KubernetesObject("v1", "Namespace", "shop", ""))).ShouldBe("v1 Namespace shop -");
        (await KubernetesAsync(log, """{"apiVersion":"x.io/v1","kind":"Thing","metadata":{"name":"n","namespace":"ns"}}"""u8.ToArray()))
            .ShouldBe("x.io/v1 Thing n ns");
        (await KubernetesAsync(log, """{"kind":"no version"}"""u8.ToArray())).ShouldBe("- - - -");
        (await KubernetesAsync(log, [])).ShouldBe("- - - -");

        Random random = new(7);
        for (int i = 0; i < 300; i++)
        {
            byte[] broken = [.. pod];
            broken[4 + random.Next(broken.Length - 4)] = (byte)random.Next(256);
            await KubernetesAsync(log, broken[..(4 + random.Next(broken.Length - 3))]);
        }
    }

    private static async Task<string> KubernetesAsync(LogFixture log, byte[] value) => (await log.QueryAsync<string>($"""
        select format('%s %s %s %s', coalesce(api_version, '-'), coalesce(kind, '-'), coalesce(name, '-'), coalesce(namespace, '-'))
        from pgetcd.kubernetes('\x{Convert.ToHexString(value)}')
        """)).Single();

    /// <summary>As stored by the API server: runtime.Unknown with the TypeMeta, and an object that begins with its ObjectMeta.</summary>
    private static byte[] KubernetesObject(string apiVersion, string kind, string name, string space)
    {
        byte[] meta = [.. Field(1, name), .. Field(2, ""), .. Field(3, space), 5 << 3, 0xac, 0x02, .. Field(11, new string('x', 300))];
        byte[] spec = [.. Field(2, "spec"), (6 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8];
        return
        [
            .. "k8s\0"u8,
            .. Field(1, [.. Field(1, apiVersion), .. Field(2, kind)]),
            .. Field(2, [.. Field(1, meta), .. spec]),
            .. Field(4, ""),
        ];
    }

    private static byte[] Field(int number, string text) => Field(number, System.Text.Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int number, byte[] bytes)
    {
        List<byte> field = [(byte)((number << 3) | 2)];
        int length = bytes.Length;
        for (; length > 127; length >>= 7)
        {
            field.Add((byte)(length | 128));
        }

        return [.. field, (byte)length, .. bytes];
    }
}
