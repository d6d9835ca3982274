using Dapper;
using Npgsql;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.Revisions;

/// <summary>Appends to a log that has grown since their batches were evaluated (docs/decisions/0020).</summary>
public sealed class MovedAppendTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_batch_goes_behind_rows_of_others_and_returns_them()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await ElsewhereAsync(fixture, Puts(1, "a=1", "b=2"));
        AppendBatch batch = Puts(1, "c=3", "d=4");
        batch.Add(new KvEvent(Bytes("old"), new KeyRecord(Bytes("old"), [1], 1, 4, 0, 7, 0), null, 4, 0), null, null);
        List<LogRow> missed = [];

        (await fixture.AppendAsync(batch, missed)).ShouldBe(Appended(6));

        missed.Select(row => (row.Revision, Text(row.Key))).ShouldBe([(2L, "a"), (3L, "b")]);
        (await fixture.QueryAsync<string>("""
            select concat_ws(' ', revision, convert_from(key, 'utf8'), create_revision, version) from pgetcd.revisions order by revision
            """)).ShouldBe(["2 a 2 1", "3 b 3 1", "4 c 4 1", "5 d 5 1", "6 old 1 7"]);
    }

    [Fact]
    public async Task Invariant6_no_guessing_a_batch_that_went_behind_others_is_recognised()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await ElsewhereAsync(fixture, Puts(1, "a=1"));
        AppendBatch batch = Puts(1, "c=3", "d=4");
        (await fixture.AppendAsync(batch)).ShouldBe(Appended(4));
        await ElsewhereAsync(fixture, Puts(4, "c=5"));
        await fixture.Log.CompactAsync(2, Guid.NewGuid(), CancellationToken.None);
        List<LogRow> missed = [];

        AppendResult again = await fixture.AppendAsync(batch, missed);

        again.Outcome.ShouldBe(AppendOutcome.Appended);
        again.Position.ShouldBe(new LogPosition(4, 2, 1));
        missed.Select(row => Text(row.Key)).ShouldBe(["a"]);
        (await fixture.QueryAsync<long>("select count(*) from pgetcd.revisions")).ShouldBe([4]);
    }

    /// <summary>All rows in between may have been removed: then only the revision in the answer shows that the batch is not where it was
    /// evaluated.</summary>
    [Fact]
    public async Task Invariant6_no_guessing_where_a_batch_went_even_if_the_rows_before_it_are_removed()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        AppendBatch fleeting = Puts(1, "a=1");
        fleeting.Add(Delete("a", 3), null, null);
        await ElsewhereAsync(fixture, fleeting);
        AppendBatch batch = Puts(1, "c=3");
        (await fixture.AppendAsync(batch)).ShouldBe(Appended(4));
        await fixture.Log.CompactAsync(4, Guid.NewGuid(), CancellationToken.None);
        await new HashReader(fixture.Database).KeepHashAsync(CancellationToken.None);
        await fixture.QueryAsync<object>("update pgetcd.revisions set committed_at = now() - interval '1 hour' where revision < 4");
        await new RemovalTable(fixture.Database).RemoveAsync(100, TimeSpan.FromSeconds(10), false, CancellationToken.None);
        (await fixture.QueryAsync<long>("select revision from pgetcd.revisions")).ShouldBe([4]);

        await Should.ThrowAsync<StoreUnavailableException>(fixture.AppendAsync(batch));
    }

    /// <summary>Once a new store is vacuumed, PostgreSQL takes the table for an empty one, and the plan is kept while it grows.</summary>
    [Fact]
    public async Task A_place_is_searched_among_the_last_rows_even_with_a_plan_for_an_empty_table()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await using NpgsqlConnection connection = await fixture.Database.OpenAsync(CancellationToken.None);
        List<string> plans = [];
        connection.Notice += (_, notice) => plans.Add(notice.Notice.MessageText);
        await connection.ExecuteAsync("vacuum pgetcd.revisions");
        await connection.ExecuteAsync("load 'auto_explain'");
        await connection.ExecuteAsync(
            "set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set client_min_messages = log");

        await connection.ExecuteAsync("select pgetcd.place(1, 'x', array['a']::bytea[], '{}', '{}')");

        string plan = plans.Where(text => text.Contains("Index Scan", StringComparison.Ordinal)).ShouldHaveSingleItem();
        plan.ShouldContain("revisions_pkey");
        plan.ShouldNotContain("Nested Loop");
    }

    [Theory]
    [InlineData("d", "", AppendOutcome.Conflict)]
    [InlineData("a", "", AppendOutcome.Appended)]
    [InlineData("a", "e", AppendOutcome.Conflict)]
    [InlineData("a", "d", AppendOutcome.Appended)]
    [InlineData("e", "\0", AppendOutcome.Appended)]
    [InlineData("b", "\0", AppendOutcome.Conflict)]
    [InlineData("\0", "\0", AppendOutcome.Conflict)]
    [InlineData("e", "a", AppendOutcome.Appended)]
    public async Task Invariant3_append_is_conditional_on_what_its_batch_read(string key, string end, AppendOutcome outcome)
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await ElsewhereAsync(fixture, Puts(1, "d=1"));
        AppendBatch batch = Puts(1, "c=3");
        batch.Read(new KeyRange(Bytes(key), Bytes(end)));

        (await fixture.AppendAsync(batch)).Outcome.ShouldBe(outcome);
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_on_all_of_the_log_when_its_batch_says_so()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await ElsewhereAsync(fixture, Puts(1, "d=1"));
        AppendBatch batch = Puts(1, "c=3");
        batch.Fix();
        (await fixture.AppendAsync(batch)).Outcome.ShouldBe(AppendOutcome.Conflict);

        AppendBatch wide = Puts(1, "c=3");
        for (int i = 0; i <= 100; i++)
        {
            wide.Read(new KeyRange(Bytes("x"), Bytes("y")));
        }

        (await fixture.AppendAsync(wide)).Outcome.ShouldBe(AppendOutcome.Conflict);
    }

    /// <summary>In a moved log too, nulls do not pass.</summary>
    [Theory]
    [InlineData("null, -1, 1")]
    [InlineData("1, null, 1")]
    [InlineData("1, -1, null")]
    [InlineData("99, -1, 1")]
    public async Task Invariant3_append_is_conditional_on_all_that_it_expects(string expected)
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await ElsewhereAsync(fixture, Puts(1, "d=1"));

        (await fixture.QueryAsync<string>($$"""
            select outcome from pgetcd.append({{expected}}, 'x', '{0}', array['a']::bytea[], array['x']::bytea[],
                '{2}', '{1}', '{0}', '{}', '{}', '{}', '{}', 0::smallint, '{}') limit 1
            """)).ShouldBe(["conflict"]);
    }

    private static async Task ElsewhereAsync(LogFixture fixture, AppendBatch batch) =>
        (await new RevisionLog(fixture.Database, "elsewhere").AppendAsync(batch, _ => { }, CancellationToken.None))
            .Outcome.ShouldBe(AppendOutcome.Appended);

    private static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes);
}
