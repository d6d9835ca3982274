using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;
using static PgEtcd.Postgres.Tests.Sql.StateRows;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>Past states for SQL readers (docs/sql.md), compared with the key space through which they were written.</summary>
public sealed class PastStateTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Keys = ["a", "p/a", "p/b", "p/c", "p0", "z"];

    [Theory]
    [InlineData(1, "pgetcd")]
    [InlineData(2, "My-schema")]
    [InlineData(3, "pgetcd")]
    public async Task Every_past_state_is_found_by_revision_and_by_time_archived_or_not(int seed, string schema)
    {
        await using RemovalFixture log = await CreateAsync(postgres, schema);
        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(30), CancellationToken.None);
        Random random = new(seed);
        List<KeySpace> states = [KeySpace.Empty];
        for (int step = 0; step < 80; step++)
        {
            string key = Keys[random.Next(Keys.Length)];
            await log.WriteAsync(random.Next(5) switch
            {
                0 => Delete(key),
                1 => Delete("p/", "p0"),
                _ => Put(key),
            });
            if (log.State.Revision > states[^1].Revision)
            {
                states.Add(log.State);
            }

            if (step % 25 == 24)
            {
                await log.CompactAsync(log.State.Revision - random.Next(10));
                await log.RemoveAsync(rows: 7, toArchive: true);
            }
        }

        (await log.RowsAsync("revisions_archive")).ShouldNotBeEmpty();
        foreach (KeySpace state in states)
        {
            string at = $"{state.Revision}";
            (await RowsAsync(log, $"state_at({at})")).ShouldBe(Rows(state, _ => true), $"seed {seed}, revision {at}");
            (await RowsAsync(log, $"prefix_at({at}, 'p/')")).ShouldBe(Rows(state, key => key.StartsWith("p/", StringComparison.Ordinal)));
            (await RowsAsync(log, $"state_at({at}, 'p/b', 'z')")).ShouldBe(Rows(
                state, key => string.CompareOrdinal(key, "p/b") >= 0 && string.CompareOrdinal(key, "z") < 0));
            (await RowsAsync(log, $"key_at({at}, 'p/b')")).ShouldBe(Rows(state, key => key == "p/b"));
            if (state.Revision > 1)
            {
                string time = $"(select max(committed_at) from pgetcd.history where mod_revision = {at})";
                (await log.Log.QueryAsync<long>($"select pgetcd.revision_at({time})")).ShouldBe([state.Revision]);
                (await RowsAsync(log, $"prefix_at({time} + interval '1 microsecond', 'p/')"))
                    .ShouldBe(Rows(state, key => key.StartsWith("p/", StringComparison.Ordinal)));
                (await RowsAsync(log, $"key_at({time}, 'a')")).ShouldBe(Rows(state, key => key == "a"));
            }
        }

        (await RowsAsync(log, "current_state")).ShouldBe(Rows(log.State, _ => true));
        (await RowsAsync(log, "get_prefix('p/')")).ShouldBe(Rows(log.State, key => key.StartsWith("p/", StringComparison.Ordinal)));
        (await RowsAsync(log, "get('z')")).ShouldBe(Rows(log.State, key => key == "z"));
        (await RowsAsync(log, "state_at(clock_timestamp() - interval '1 day')")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task The_difference_of_any_two_states_is_complete_and_minimal(int seed)
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(30), CancellationToken.None);
        Random random = new(seed);
        List<KeySpace> states = [KeySpace.Empty];
        while (states.Count < 40)
        {
            string key = Keys[random.Next(Keys.Length)];
            await log.WriteAsync(random.Next(3) == 0 ? Delete(key) : Put(key));
            if (log.State.Revision > states[^1].Revision)
            {
                states.Add(log.State);
            }
        }

        await log.CompactAsync(20);
        await log.RemoveAsync(toArchive: true);
        for (int i = 0; i < 60; i++)
        {
            KeySpace from = states[random.Next(states.Count)];
            KeySpace to = states[random.Next(states.Count)];
            (from, to) = from.Revision <= to.Revision ? (from, to) : (to, from);
            foreach (string prefix in new[] { "", "p/" })
            {
                List<string> expected = [.. Keys.Order(StringComparer.Ordinal).Where(
                    key => key.StartsWith(prefix, StringComparison.Ordinal))
                    .Select(key => (Key: key, Old: Revision(from, key), New: Revision(to, key)))
                    .Where(change => change.Old != change.New)
                    .Select(change => (Made: change.Old == 0 ? "create" : change.New == 0 ? "delete" : "update", Change: change))
                    .Select(one => $"{one.Change.Key} {one.Made} {one.Change.Old} {one.Change.New}")];
                (await log.Log.QueryAsync<string>($"""
                    select format('%s %s %s %s', key_text, change, coalesce(old_mod_revision, 0), coalesce(new_mod_revision, 0))
                    from pgetcd.diff({from.Revision}, {to.Revision}, '{prefix}')
                    """)).ShouldBe(expected, $"seed {seed}, {from.Revision} to {to.Revision}");
            }
        }

        static long Revision(KeySpace state, string wanted) => Records(state)
            .Where(record => System.Text.Encoding.UTF8.GetString(record.Key) == wanted)
                .Select(record => record.ModRevision).SingleOrDefault();
    }

    [Fact]
    public async Task Impossible_queries_are_errors_with_a_reason()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        for (int i = 0; i < 5; i++)
        {
            await log.WriteAsync(Put("a"));
        }

        await ErrorAsync(log, "state_at(7)", "PE002", "etcdserver: mvcc: required revision is a future revision");
        await ErrorAsync(
            log, "state_at(clock_timestamp() + interval '1 minute')", "PE002", "etcdserver: mvcc: required revision is a future revision");
        await ErrorAsync(log, "state_at(0)", "PE001", "etcdserver: mvcc: required revision has been compacted");
        await ErrorAsync(log, "diff(5, 4)", "22023", "a difference needs the earlier revision first, got 5 and 4");
        await ErrorAsync(log, "state_at(null::bigint)", "22004", "no revision is given");

        // Compacted, but nothing is removed yet, so it can still be read.
        await log.CompactAsync(4);
        (await RowsAsync(log, "state_at(2)")).ShouldBe(["a 2 2 1"]);
        await log.RemoveAsync(toArchive: false);
        foreach (string lost in (string[])
            [
                "state_at(3)", "prefix_at(3, 'a')", "key_at(3, 'a')", "diff(3, 6)", "state_at(clock_timestamp() - interval '1 day')",
            ])
        {
            await ErrorAsync(log, lost, "PE001", "etcdserver: mvcc: required revision has been compacted");
        }

        (await RowsAsync(log, "state_at(4)")).ShouldBe(["a 2 4 3"]);
        (await log.Log.QueryAsync<string>("select format('%s %s %s', revision, compact_revision, oldest_revision) from pgetcd.status"))
            .ShouldBe(["6 4 4"]);
    }

    [Fact]
    public async Task Keys_that_differ_only_after_their_first_kilobyte_are_distinguished()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        string longKey = new('k', 1500);
        await log.WriteAsync(Put(longKey + "a"));
        await log.WriteAsync(Put(longKey + "b"));
        await log.WriteAsync(Delete(longKey + "a"));
        (await RowsAsync(log, $"key_at(3, '{longKey}a')")).ShouldBe([$"{longKey}a 2 2 1"]);
        (await RowsAsync(log, $"prefix_at(4, '{longKey}')")).ShouldBe([$"{longKey}b 3 3 1"]);
        (await RowsAsync(log, $"state_at(3, '{longKey}b')")).ShouldBe([$"{longKey}b 3 3 1"]);
        (await log.Log.QueryAsync<long>($"select mod_revision from pgetcd.prefix_history('{longKey}a')")).ShouldBe([2, 4]);
        (await log.Log.QueryAsync<long>($"select mod_revision from pgetcd.key_history('{longKey}b')")).ShouldBe([3]);
    }

    private static async Task ErrorAsync(RemovalFixture log, string from, string state, string message) =>
        (await Should.ThrowAsync<PostgresException>(() => log.Log.QueryAsync<long>($"select count(*) from pgetcd.{from}")))
            .ShouldSatisfyAllConditions(error => error.SqlState.ShouldBe(state), error => error.MessageText.ShouldBe(message));
}
