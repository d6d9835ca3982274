using System.Text;
using PgEtcd.Mvcc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;
using static PgEtcd.Postgres.Tests.Sql.StateRows;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>Pages of the past add up to the key space through which they were written, however each page ends.</summary>
public sealed class PastPageTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Never = "'infinity'";
    private const string AtOnce = "'-infinity'";

    private static readonly string Long = new('k', 1023);

    // Some share the first kilobyte, which is all that the index holds; some have exactly that length.
    private static readonly string[] Keys =
    [
        "a", "a/", "a/1", "a/2/x", "a/2/y", "/lead", "//double", "b::c", "z/z/z/z",
        Long, Long + "k", Long + "k/a", Long + "k/b", Long + "k0", Long + "l", Long + "/x",
    ];

    [Theory]
    [InlineData(1, "pgetcd")]
    [InlineData(2, "My-schema")]
    public async Task Pages_of_any_size_add_up_to_every_state_archived_or_not(int seed, string schema)
    {
        await using RemovalFixture log = await CreateAsync(postgres, schema);
        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(30), CancellationToken.None);
        Random random = new(seed);
        List<KeySpace> states = await WriteAsync(log, random, Keys, 220);
        (await log.RowsAsync("revisions_archive")).ShouldNotBeEmpty();
        foreach (KeySpace state in states.Where((_, place) => place % 5 == 0).Append(states[^1]))
        {
            string because = $"seed {seed}, revision {state.Revision}";
            int most = random.Next(1, 5);
            foreach ((string prefix, string separator) in new[]
            {
                ("", "/"), ("a/", "/"), ("/", "/"), ("", "::"), ("", ""), ("z/z", "/"), (Long, "/"), (Long + "k", "/"), ("none", "/"),
            })
            {
                string[] level = Level(state, prefix, separator);
                (await LevelAsync(log, state.Revision, prefix, separator, most, 1000, Never)).ShouldBe(level, false, because);
                (await LevelAsync(log, state.Revision, prefix, separator, 100, 1, Never)).ShouldBe(
                    level.Select(line => line.Split(' ') is [var entry, "f", not "1", ..] ? $"{entry} f 1 f" : line), false, because);
                string[] keys = [.. Texts(state).Where(key => key.StartsWith(prefix, StringComparison.Ordinal))];
                (await ListAsync(log, state.Revision, prefix, End(prefix), most, Never)).ShouldBe(keys, false, because);
                foreach (string until in new[] { Never, AtOnce })
                {
                    (await SearchAsync(log, state.Revision, prefix, "/2", false, most, until))
                        .ShouldBe(keys.Where(key => key.Contains("/2", StringComparison.Ordinal)), false, because);
                    (await SearchAsync(log, state.Revision, prefix, "v", true, most, until)).ShouldBe(keys, false, because);
                }
            }

            (await ListAsync(log, state.Revision, "a/2", "b", 2, Never)).ShouldBe(Texts(state).Where(
                key => string.CompareOrdinal(key, "a/2") >= 0 && string.CompareOrdinal(key, "b") < 0));
        }
    }

    [Fact]
    public async Task Pages_of_differences_add_up_to_the_difference_by_rows_and_by_keys()
    {
        const int seed = 4;
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(30), CancellationToken.None);
        Random random = new(seed);
        List<KeySpace> states = await WriteAsync(log, random, Keys, 160);
        for (int i = 0; i < 40; i++)
        {
            long[] pair = [states[random.Next(states.Count)].Revision, states[random.Next(states.Count)].Revision];
            (long from, long to) = (pair.Min(), pair.Max());
            foreach (string prefix in new[] { "", "a/", Long + "k" })
            {
                string because = $"seed {seed}, {from} to {to}, '{prefix}'";
                List<string> whole = await log.Log.QueryAsync<string>($"""
                    select concat_ws(' ', key_text, change, old_mod_revision, old_value_text, '>', new_mod_revision, new_value_text)
                    from pgetcd.diff({from}, {to}, '{prefix}')
                    """);
                List<string> counts = [.. whole.GroupBy(line => line.Split(' ')[1]).Select(group => $"{group.Key} {group.Count()} t")];
                foreach (int few in new[] { 20_000, 0 })
                {
                    (await DifferencesAsync(log, from, to, prefix, random.Next(1, 5), Never, few)).ShouldBe(whole, false, because);
                    (await CountsAsync(log, $"{from}, {to}, '{prefix}', few => {few}")).ShouldBe(counts, true, because);
                }

                if (whole.Count > 1 && from < to)
                {
                    (await CountsAsync(log, $"{from}, {to}, '{prefix}', most => 1, few => 0")).ShouldBe(
                        [$"{whole[0].Split(' ')[1]} 1 f"], false, because);
                }
            }
        }
    }

    [Fact]
    public async Task A_page_that_takes_too_long_names_where_to_continue_and_loses_nothing()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        // Long runs of deleted keys, so that a page ends among them, before and inside a branch.
        for (int i = 0; i < 900; i++)
        {
            await log.WriteAsync(Put($"t/{i / 300}/{i % 300:000}"), isYoung: true);
        }

        long before = log.State.Revision;
        await log.WriteAsync(Delete("t/0/", "t/1/290"), isYoung: true);
        long after = log.State.Revision;
        string[] left = [.. Texts(log.State)];
        left.Length.ShouldBe(310);
        (await ListAsync(log, after, "t/", "t0", 500, AtOnce)).ShouldBe(left);
        (await LevelAsync(log, after, "t/", "/", 500, 1000, Never)).ShouldBe(["t/1/ f 10 t", "t/2/ f 300 t"]);
        // When time is up, the count is incomplete.
        (await LevelAsync(log, after, "t/", "/", 500, 1000, AtOnce)).ShouldBe(["t/1/ f 10 t", "t/2/ f 127 f"]);
        (await LevelAsync(log, after, "t/2/", "/", 7, 1000, AtOnce)).Length.ShouldBe(300);
        (await SearchAsync(log, after, "t/", "/299", false, 500, AtOnce)).ShouldBe(["t/1/299", "t/2/299"]);
        (await log.Log.QueryAsync<bool>(
            $"select bool_or(mod_revision is null) from pgetcd.walk_at({after}, 't/', 't0', 500, until => {AtOnce})")).ShouldBe([true]);

        List<string> whole = await log.Log.QueryAsync<string>($"""
            select concat_ws(' ', key_text, change, old_mod_revision, old_value_text, '>', new_mod_revision, new_value_text)
            from pgetcd.diff({before}, {after})
            """);
        whole.Count.ShouldBe(590);
        (await DifferencesAsync(log, before, after, "", 1000, AtOnce, few: 0)).ShouldBe(whole);
        // Created and deleted in between: nothing differs, but the keys are visited.
        (await DifferencesAsync(log, 1, after, "t/0/", 1000, AtOnce, few: 0)).ShouldBeEmpty();
        (await CountsAsync(log, $"{before}, {after}, '', 1000, {AtOnce}, 0")).ShouldHaveSingleItem().ShouldMatch("delete 1[0-9]{2} f");
    }

    [Fact]
    public async Task Keys_with_many_versions_are_skipped()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        for (int i = 0; i < 100; i++)
        {
            await log.WriteAsync(Put($"many/{i % 5}"), isYoung: true);
        }

        await log.WriteAsync(Delete("many/3"), isYoung: true);
        foreach (long at in new[] { 50L, log.State.Revision })
        {
            List<string> state = await log.Log.QueryAsync<string>(
                $"select concat_ws(' ', key_text, create_revision, mod_revision, version, lease) from pgetcd.state_at({at})");
            (await log.Log.QueryAsync<string>($"""
                select concat_ws(' ', convert_from(key, 'UTF8'), create_revision, mod_revision, version, lease)
                from pgetcd.walk_at({at}, '', null, 100)
                """)).ShouldBe(state);
        }

        (await CountsAsync(log, "50, 102, ''")).ShouldBe(["delete 1 t", "update 4 t"], ignoreOrder: true);
        (await CountsAsync(log, "50, 102, '', few => 0")).ShouldBe(["delete 1 t", "update 4 t"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("walk_at({0}, '', null, 10)")]
    [InlineData("level_page({0}, '', '/', '', 10, 100, 'infinity')")]
    [InlineData("search_page({0}, '', 'a', false, '', 10, 'infinity')")]
    [InlineData("search_at({0}, '', 'a')")]
    [InlineData("difference_page({0}, {1}, '')")]
    [InlineData("count_differences({0}, {1}, '')")]
    public async Task A_revision_neither_kept_nor_archived_is_explained(string asked)
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        for (int i = 0; i < 6; i++)
        {
            await log.WriteAsync(Put("a"));
        }

        await log.CompactAsync(5);
        await log.RemoveAsync(toArchive: false);
        (await AskAsync(5, 7)).ShouldBeNull();
        (await AskAsync(3, 7)).ShouldBe("PE001");
        (await AskAsync(8, 8)).ShouldBe("PE002");

        async Task<string?> AskAsync(long at, long to)
        {
            try
            {
                await log.Log.QueryAsync<long>(
                    "select count(*) from pgetcd." + string.Format(System.Globalization.CultureInfo.InvariantCulture, asked, at, to));
                return null;
            }
            catch (Npgsql.PostgresException refused)
            {
                return refused.SqlState;
            }
        }
    }

    private static async Task<List<KeySpace>> WriteAsync(RemovalFixture log, Random random, string[] keys, int steps)
    {
        List<KeySpace> states = [KeySpace.Empty];
        for (int step = 0; step < steps; step++)
        {
            string key = keys[random.Next(keys.Length)];
            await log.WriteAsync(random.Next(12) switch
            {
                0 or 1 or 2 => Delete(key),
                3 => Delete("a/", "a0"),
                4 or 5 or 6 => Put(keys[0]), // has many versions
                _ => Put(key),
            });
            if (log.State.Revision > states[^1].Revision)
            {
                states.Add(log.State);
            }

            if (step == steps / 2)
            {
                await log.CompactAsync(log.State.Revision - 3);
                await log.RemoveAsync(rows: 7, toArchive: true);
            }
        }

        return states;
    }

    private static Task<string[]> ListAsync(RemovalFixture log, long at, string from, string? end, int most, string until) =>
        PagesAsync(log, from, most, next => $"""
            select convert_from(key, 'UTF8'), mod_revision is null, convert_from(key, 'UTF8')
            from pgetcd.walk_at({at}, '{next}', {(end is null ? "null" : $"'{end}'")}, {most + 1}, until => {until})
            """);

    private static Task<string[]> SearchAsync(
        RemovalFixture log, long at, string prefix, string wanted, bool inValues, int most, string until) =>
        PagesAsync(log, "", most, next => $"""
            select convert_from(key, 'UTF8'), false, convert_from(key, 'UTF8')
            from pgetcd.search_page({at}, '{prefix}', '{wanted}', {inValues}, '{next}', {most + 1}, {until})
            """);

    private static Task<string[]> LevelAsync(
        RemovalFixture log, long at, string prefix, string separator, int most, int countTo, string until) =>
        PagesAsync(log, "", most, next => $"""
            select convert_from(entry, 'UTF8'), is_key is null, concat_ws(' ', convert_from(entry, 'UTF8'), is_key, keys, is_exact)
            from pgetcd.level_page({at}, '{prefix}', '{separator}', '{next}', {most + 1}, {countTo}, {until})
            """);

    private static Task<string[]> DifferencesAsync(
        RemovalFixture log, long from, long to, string prefix, int most, string until, int few) =>
        PagesAsync(log, "", most, next => $"""
            select convert_from(key, 'UTF8'), change is null, concat_ws(
                ' ', convert_from(key, 'UTF8'), change, old_mod_revision, pgetcd.as_text(old_value), '>', new_mod_revision,
                pgetcd.as_text(new_value))
            from pgetcd.difference_page({from}, {to}, '{prefix}', '{next}', {most + 1}, {until}, {few})
            """);

    private static Task<List<string>> CountsAsync(RemovalFixture log, string arguments) =>
        log.Log.QueryAsync<string>($"select concat_ws(' ', change, keys, is_exact) from pgetcd.count_differences({arguments})");

    /// <summary>The rows of all pages, as the console walks them: each query asks for one row more than the page shows.</summary>
    private static async Task<string[]> PagesAsync(RemovalFixture log, string first, int most, Func<string, string> page)
    {
        List<string> lines = [];
        string? next = first;
        while (next is not null)
        {
            List<(string Key, bool IsMark, string Line)> rows = await log.Log.QueryAsync<(string, bool, string)>(page(next));
            rows.Count.ShouldBeLessThanOrEqualTo(most + 1);
            string? last = rows.Count > most || (rows.Count > 0 && rows[^1].IsMark) ? rows[^1].Key : null;
            last.ShouldNotBe(next);
            next = last;
            lines.AddRange(rows.Take(rows.Count - (next is null ? 0 : 1)).Select(row => row.Line));
        }

        return [.. lines];
    }

    private static string[] Level(KeySpace state, string prefix, string separator) =>
    [
        .. Texts(state).Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(key => separator.Length > 0 && key.IndexOf(separator, prefix.Length, StringComparison.Ordinal) is >= 0 and int place
                ? (Entry: key[..(place + separator.Length)], IsKey: "f")
                : (Entry: key, IsKey: "t"))
            .GroupBy(entry => entry)
            .OrderBy(group => group.Key.Entry, StringComparer.Ordinal)
            .Select(group => $"{group.Key.Entry} {group.Key.IsKey} {group.Count()} t"),
    ];

    private static IEnumerable<string> Texts(KeySpace state) => Records(state).Select(record => Encoding.UTF8.GetString(record.Key));

    private static string? End(string prefix) => prefix.Length == 0 ? null : prefix[..^1] + (char)(prefix[^1] + 1);
}
