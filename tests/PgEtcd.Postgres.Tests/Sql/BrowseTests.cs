using PgEtcd.Mvcc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>Levels, searches, times and changes (docs/sql.md), compared with the key space through which they were written.</summary>
public sealed class BrowseTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Keys = ["a", "a/", "a/1", "a/2/x", "a/2/y", "/lead", "//double", "b::c", "z/z/z/z"];

    [Theory]
    [InlineData(1, "pgetcd")]
    [InlineData(2, "My-schema")]
    public async Task A_level_matches_the_keys_of_its_state_archived_or_not(int seed, string schema)
    {
        await using RemovalFixture log = await CreateAsync(postgres, schema);
        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(30), CancellationToken.None);
        Random random = new(seed);
        List<KeySpace> states = [];
        for (int step = 0; step < 60; step++)
        {
            string key = Keys[random.Next(Keys.Length)];
            await log.WriteAsync(random.Next(4) == 0 ? Delete(key) : Put(key));
            states.Add(log.State);
            if (step == 40)
            {
                await log.CompactAsync(log.State.Revision - 3);
                await log.RemoveAsync(rows: 7, toArchive: true);
            }
        }

        (await log.RowsAsync("revisions_archive")).ShouldNotBeEmpty();
        foreach (KeySpace state in states.DistinctBy(state => state.Revision).Where(state => state.Revision > 1))
        {
            foreach ((string prefix, string separator) in new[] { ("", "/"), ("a/", "/"), ("/", "/"), ("", "::"), ("", ""), ("z/z", "/") })
            {
                string[] expected = Level(state, prefix, separator);
                string level = $"pgetcd.level_at({state.Revision}, '{prefix}', '{separator}'";
                (await log.Log.QueryAsync<string>($"select concat(entry_text, ' ', is_key, ' ', keys) from {level})"))
                    .ShouldBe(expected, ignoreOrder: false, $"seed {seed}, {level})");
                (await log.Log.QueryAsync<string>($"select concat(entry_text, ' ', is_key, ' ', keys) from {level}, most => 2)"))
                    .ShouldBe(expected.Take(2), ignoreOrder: false, $"seed {seed}, {level}, most => 2)");
            }

            (await log.Log.QueryAsync<string>($"select key_text from pgetcd.search_at({state.Revision}, 'a', '/2')"))
                .ShouldBe(KeysOf(state).Where(key => key.StartsWith("a/2", StringComparison.Ordinal)));
            (await log.Log.QueryAsync<bool>($"""
                select pgetcd.time_of({state.Revision})
                    = (select max(committed_at) from pgetcd.history where mod_revision = {state.Revision})
                """))
                .ShouldBe([true]);
        }
    }

    [Fact]
    public async Task Changes_come_newest_first_in_pages_and_filtered()
    {
        await using RemovalFixture log = await CreateAsync(postgres, "pgetcd");
        foreach (string key in new[] { "p/1", "p/2", "q/1", "p/1" })
        {
            await log.WriteAsync(Put(key));
        }

        await log.WriteAsync(Delete("p/", "p0"));
        (await Changes("")).ShouldBe(["6.1 p/2", "6.0 p/1", "5.0 p/1", "4.0 q/1", "3.0 p/2", "2.0 p/1"]);
        (await Changes("'p/'")).ShouldBe(["6.1 p/2", "6.0 p/1", "5.0 p/1", "3.0 p/2", "2.0 p/1"]);
        (await Changes("most => 2")).ShouldBe(["6.1 p/2", "6.0 p/1"]);
        // The previous page may have ended within a revision.
        (await Changes("before_revision => 6, before_sub => 1, most => 2")).ShouldBe(["6.0 p/1", "5.0 p/1"]);
        (await Changes("since => pgetcd.time_of(5)")).ShouldBe(["6.1 p/2", "6.0 p/1", "5.0 p/1"]);
        (await Changes("until => pgetcd.time_of(4)")).ShouldBe(["3.0 p/2", "2.0 p/1"]);
        (await Changes("by_user => 'nobody'")).ShouldBeEmpty();

        Task<List<string>> Changes(string arguments) => log.Log.QueryAsync<string>(
            $"select mod_revision || '.' || sub || ' ' || key_text from pgetcd.changes({arguments})");
    }

    private static string[] Level(KeySpace state, string prefix, string separator) =>
    [
        .. KeysOf(state).Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(key => separator.Length > 0 && key.IndexOf(separator, prefix.Length, StringComparison.Ordinal) is >= 0 and int place
                ? (Entry: key[..(place + separator.Length)], IsKey: false)
                : (Entry: key, IsKey: true))
            .GroupBy(entry => entry)
            .OrderBy(group => group.Key.Entry, StringComparer.Ordinal).ThenByDescending(group => group.Key.IsKey)
            .Select(group => $"{group.Key.Entry} {(group.Key.IsKey ? "t" : "f")} {group.Count()}"),
    ];

    private static List<string> KeysOf(KeySpace state)
    {
        List<string> keys = [];
        foreach (Mvcc.Keys.KeyRecord record in state.Keys.Scan(new Mvcc.Keys.KeyRange(default, new byte[1])))
        {
            keys.Add(System.Text.Encoding.UTF8.GetString(record.Key));
        }

        return keys;
    }
}
