using Npgsql;
using PgEtcd.Postgres.Tests.Verification;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>Undo: keys are restored in one revision, and no other key is touched.</summary>
public sealed class RestoreTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Shown = """
        select format('%s=%s %s/%s', key_text, value_text, create_revision, version) from pgetcd.current_state order by key
        """;

    private const string Plan =
        "select format('%s %s %s>%s lease %s lost %s', change, key_text, old_value_text, new_value_text, lease, lost_lease)";

    [Fact]
    public async Task A_prefix_is_restored_in_one_revision_with_deletions_and_creations()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await log.AppendAsync(Puts(1, "p/a=1", "p/b=1", "p/same=1", "q=1"));
        await log.QueryAsync<long?>("select pgetcd.put('p/a', '2')");
        await log.QueryAsync<long?>("select pgetcd.delete('p/b')");
        await log.QueryAsync<long?>("select pgetcd.put('p/new', '2')");
        await log.QueryAsync<long?>("select pgetcd.put('p/same', '2')");
        await log.QueryAsync<long?>("select pgetcd.put('p/same', '1')");
        await log.QueryAsync<long?>("select pgetcd.put('q', '2')");

        (await log.QueryAsync<string>($"{Plan} from pgetcd.plan_restore_prefix('p/', 5)")).ShouldBe(
            ["update p/a 2>1 lease 0 lost 0", "create p/b >1 lease 0 lost 0", "delete p/new 2> lease 0 lost 0"]);
        (await log.QueryAsync<long?>("select pgetcd.restore_prefix('p/', 5, unchanged_since => 11)")).ShouldBe([12]);

        (await log.QueryAsync<string>(Shown)).ShouldBe(["p/a=1 2/3", "p/b=1 12/1", "p/same=1 4/3", "q=2 5/2"]);
        (await log.QueryAsync<string>("""
                select format('%s %s %s %s', sub, key_text, change, request) from pgetcd.history where mod_revision = 12 order by sub
                """))
            .ShouldBe(["0 p/a update restore_prefix", "1 p/b create restore_prefix", "2 p/new delete restore_prefix"]);
        (await log.QueryAsync<long?>("select pgetcd.restore_prefix('p/', 5)")).ShouldBe([null]);
        // And forth again: the history keeps both.
        (await log.QueryAsync<long?>("select pgetcd.restore_prefix('p/', 11)")).ShouldBe([13]);
        (await log.QueryAsync<string>(Shown)).ShouldBe(["p/a=2 2/4", "p/new=2 13/1", "p/same=1 4/3", "q=2 5/2"]);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_is_restored_by_revision_and_by_time_and_its_neighbours_stay()
    {
        await using LogFixture log = await CreateAsync(postgres, "My-schema");
        await log.AppendAsync(Puts(1, "a=1", "a/b=1"));
        DateTime before = (await log.QueryAsync<DateTime>("select clock_timestamp()"))[0];
        await log.QueryAsync<long?>("select pgetcd.put('a', '2'), pgetcd.put('a/b', '2')");

        (await log.QueryAsync<string>($"{Plan} from pgetcd.plan_restore_key('a', timestamptz '{before:O}')"))
            .ShouldBe(["update a 2>1 lease 0 lost 0"]);
        (await log.QueryAsync<long?>($"select pgetcd.restore_key('a', timestamptz '{before:O}')")).ShouldBe([6]);
        (await log.QueryAsync<long?>(@"select pgetcd.restore_key('\x612f62'::bytea, 1)")).ShouldBe([7]);
        (await log.QueryAsync<string>(Shown)).ShouldBe(["a=1 2/3"]);
    }

    [Fact]
    public async Task A_restore_is_refused_if_keys_have_changed_since_the_plan()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await log.AppendAsync(Puts(1, "p/a=1", "p/b=1"));
        await log.QueryAsync<long?>("select pgetcd.put('p/a', '2')");
        await log.QueryAsync<long?>("select pgetcd.put('elsewhere', '2')");
        await log.QueryAsync<long?>("select pgetcd.put('p/b', '2')");

        PostgresException changed = await RefusedAsync(log, "select pgetcd.restore_prefix('p/', 3, unchanged_since => 5)", "PE008");
        changed.MessageText.ShouldBe("the keys have changed since revision 5");
        changed.Detail.ShouldBe("Key p/b changed at revision 6.");
        (await log.QueryAsync<long>("select revision from pgetcd.status")).ShouldBe([6]);

        // Changes outside of the range do not matter.
        (await log.QueryAsync<long?>("select pgetcd.restore_key('p/a', 3, unchanged_since => 4)")).ShouldBe([7]);
        // After a compaction this cannot be decided.
        await log.QueryAsync<string>("select outcome from pgetcd.compact(7)");
        await RefusedAsync(log, "select pgetcd.restore_key('p/a', 7, unchanged_since => 6)", "PE008");
        await log.QueryAsync<long?>("select pgetcd.put('p/a', '3')");
        (await log.QueryAsync<long?>("select pgetcd.restore_key('p/a', 7, unchanged_since => 8)")).ShouldBe([9]);
    }

    [Fact]
    public async Task A_live_lease_is_attached_again_and_an_expired_one_is_not()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await log.QueryAsync<int>("""
            insert into pgetcd.leases (id, ttl, expires_at, grant_token)
            select id, 100, clock_timestamp() + interval '100 s', gen_random_uuid() from unnest(array[7, 8]) id
            """);
        await log.QueryAsync<long?>("select pgetcd.put(k, '1', l) from (values ('kept', 7), ('lost', 8), ('equal', 8)) v (k, l)");
        await log.QueryAsync<long?>("select pgetcd.put(k, v) from (values ('kept', '1'), ('lost', '2'), ('equal', '1')) v (k, v)");
        await log.QueryAsync<int>("delete from pgetcd.leases where id = 8");

        (await log.QueryAsync<string>($"{Plan} from pgetcd.plan_restore_prefix('', 4)")).ShouldBe(
            ["update kept 1>1 lease 7 lost 0", "update lost 2>1 lease 0 lost 8"]);
        await log.QueryAsync<long?>("select pgetcd.restore_prefix('', 4)");
        (await log.QueryAsync<string>("select format('%s %s', key_text, lease) from pgetcd.current_state order by key"))
            .ShouldBe(["equal 0", "kept 7", "lost 0"]);
    }

    [Fact]
    public async Task A_state_only_in_the_archive_is_restored_from_it()
    {
        await using RemovalFixture log = await RemovalFixture.CreateAsync(postgres);
        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(1), CancellationToken.None);
        await log.WriteAsync(RemovalFixture.Put("p/a"));
        await log.WriteAsync(RemovalFixture.Delete("p/a"));
        await log.WriteAsync(RemovalFixture.Put("q"));
        await log.CompactAsync(4);
        await log.RemoveAsync(toArchive: true);
        (await log.Log.QueryAsync<long?>("select pgetcd.restore_key('p/a', 2)")).ShouldBe([5]);
        (await log.Log.QueryAsync<string>(Shown)).ShouldBe(["p/a=v 5/1", "q=v 4/1"]);
    }

    [Theory]
    [InlineData("restore_prefix('', 9)", "PE002")]
    [InlineData("restore_prefix('', 3, 9)", "PE002")]
    [InlineData("restore_prefix('', 1)", "PE001")]
    [InlineData("restore_prefix('', null::bigint)", "22004")]
    [InlineData("restore_prefix(null::text, 3)", "22004")]
    [InlineData("restore_key(null::bytea, 3)", "22004")]
    [InlineData("restore_key('', 3)", "PE004")]
    [InlineData("restore_prefix('', clock_timestamp() + interval '1 day')", "PE002")]
    public async Task A_bad_request_is_refused(string call, string state)
    {
        await using LogFixture log = await CreateAsync(postgres);
        await log.AppendAsync(Puts(1, "a=1", "a=2"));
        await log.QueryAsync<string>("select outcome from pgetcd.compact(2)");
        await log.QueryAsync<int>("update pgetcd.removal set kept_revision = 2");
        await RefusedAsync(log, $"select pgetcd.{call}", state);
        (await log.QueryAsync<long>("select revision from pgetcd.status")).ShouldBe([3]);
    }

    [Fact]
    public async Task Without_space_a_restore_may_delete_but_not_put()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await log.AppendAsync(Puts(1, "a=1"));
        await log.QueryAsync<long?>("select pgetcd.put('b', '1')");
        await log.QueryAsync<long?>("select pgetcd.delete('a')");
        await log.QueryAsync<int>("update pgetcd.cluster set alarms = 1");
        await RefusedAsync(log, "select pgetcd.restore_prefix('', 2)", "PE006");
        (await log.QueryAsync<long?>("select pgetcd.restore_key('b', 2)")).ShouldBe([5]);
        await log.QueryAsync<int>("update pgetcd.cluster set alarms = 0");
        (await log.QueryAsync<long?>("select pgetcd.restore_prefix('', 2)")).ShouldBe([6]);
        (await log.QueryAsync<string>(Shown)).ShouldBe(["a=1 6/1"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task After_any_writes_a_restore_changes_the_range_only(int seed)
    {
        await using LogFixture log = await CreateAsync(postgres);
        Random random = new(seed);
        string[] prefixes = ["", "a", "a/", "b", "c"];
        string[] keys = ["a", "a/", "a/1", "a/2", "b", "b/1", @"b\xff", "c"];
        for (int round = 0; round < 12; round++)
        {
            for (int i = 0; i < 8; i++)
            {
                string key = keys[random.Next(keys.Length)].Replace(@"\xff", "ÿ", StringComparison.Ordinal);
                await log.QueryAsync<long?>(
                    random.Next(3) == 0 ? $"select pgetcd.delete('{key}')" : $"select pgetcd.put('{key}', '{random.Next(3)}')");
            }

            long head = (await log.QueryAsync<long>("select revision from pgetcd.status"))[0];
            long at = random.NextInt64(1, head + 1);
            string prefix = prefixes[random.Next(prefixes.Length)];
            string[] expected =
            [
                .. await log.QueryAsync<string>($"select key_text || '=' || value_text from pgetcd.prefix_at({at}, '{prefix}')"),
                .. await log.QueryAsync<string>(
                    $"select key_text || '=' || value_text from pgetcd.get_prefix('') where not starts_with(key_text, '{prefix}')"),
            ];
            long planned = (await log.QueryAsync<long>($"select count(*) from pgetcd.plan_restore_prefix('{prefix}', {at})"))[0];
            long? revision = (await log.QueryAsync<long?>($"select pgetcd.restore_prefix('{prefix}', {at}, {head})"))[0];
            revision.ShouldBe(planned == 0 ? null : head + 1);
            (await log.QueryAsync<long>($"select count(*) from pgetcd.history where mod_revision > {head}")).ShouldBe([planned]);
            (await log.QueryAsync<string>("select key_text || '=' || value_text from pgetcd.get_prefix('')")).Order(StringComparer.Ordinal)
                .ShouldBe(expected.Order(StringComparer.Ordinal));
        }

        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    private static async Task<PostgresException> RefusedAsync(LogFixture log, string sql, string state)
    {
        PostgresException refused = await Should.ThrowAsync<PostgresException>(() => log.QueryAsync<long?>(sql));
        refused.SqlState.ShouldBe(state);
        return refused;
    }
}
