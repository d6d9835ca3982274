using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.History.RandomHistory;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.History;

public sealed class StateReaderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Every_past_state_equals_the_evaluated_one()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        Dictionary<long, KeySpace> states = await WriteAsync(fixture, revisions: 120);
        StateReader reader = new(fixture.Database);

        KeyRange[] ranges = [Range("", "\0"), Range("b", ""), Range("b", "d"), Range("c", "\0"), Range("a\0", "b\0")];
        foreach ((long revision, KeySpace state) in states.Where(state => state.Key % 7 == 0))
        {
            foreach (KeyRange range in ranges)
            {
                (_, List<KeyRecord> records, long count) = await reader.RangeAtAsync(
                    range, revision, long.MaxValue, CancellationToken.None);
                string[] expected = Show(state.Keys, range);
                records.Select(Show).ShouldBe(expected);
                count.ShouldBe(expected.Length);
            }
        }
    }

    [Fact]
    public async Task A_limit_cuts_the_rows_and_not_the_count()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await fixture.AppendAsync(Puts(1, "a=1", "b=2", "c=3", "d=4"));
        StateReader reader = new(fixture.Database);

        (_, List<KeyRecord> records, long count) = await reader.RangeAtAsync(Range("a", "d"), 5, 2, CancellationToken.None);

        records.Select(Show).ShouldBe(["a=1 2/2 v1", "b=2 3/3 v1"]);
        count.ShouldBe(3);
    }

    /// <summary>Fault A4: there was no bound. The remaining rows are not read, and the connection is reused.</summary>
    [Fact]
    public async Task More_bytes_than_a_message_can_hold_are_not_read_and_without_values_they_are_few()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        byte[] value = new byte[1_000_000];
        for (int i = 0; i < 20; i++)
        {
            AppendBatch batch = new(i == 0 ? LogPosition.Empty : LogPosition.Empty with { Revision = 1 + i });
            batch.Add(Put([(byte)('a' + i)], value, 2 + i), null, null);
            await fixture.AppendAsync(batch);
        }

        StateReader reader = new(fixture.Database);
        AnswerTooLargeException refused = await Should.ThrowAsync<AnswerTooLargeException>(
            () => reader.RangeAtAsync(Range("", "\0"), 21, long.MaxValue, CancellationToken.None, most: 3_500_000));
        refused.Size.ShouldBeInRange(4_000_000, 4_000_200);
        (_, List<KeyRecord> records, _) = await reader.RangeAtAsync(
            Range("", "\0"), 21, long.MaxValue, CancellationToken.None, withValues: false, most: 3_500_000);
        records.Count.ShouldBe(20);
        records.ShouldAllBe(record => record.ValueMemory.IsEmpty && record.Version == 1);
    }

    [Fact]
    public async Task Keys_with_the_same_first_kilobyte_are_distinguished()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        byte[][] keys = [.. new byte[] { 1, 2, 3 }.Select(last => (byte[])[.. new byte[3000], last])];
        AppendBatch batch = new(LogPosition.Empty);
        for (int i = 0; i < keys.Length; i++)
        {
            batch.Add(Put(keys[i], [(byte)i], 2 + i), null, null);
        }

        await fixture.AppendAsync(batch);

        (_, List<KeyRecord> records, _) = await new StateReader(fixture.Database)
            .RangeAtAsync(new KeyRange(keys[1], keys[2]), 4, long.MaxValue, CancellationToken.None);
        records.ShouldHaveSingleItem().Value.ToArray().ShouldBe([1]);
    }

    [Fact]
    public async Task The_views_show_the_present_and_the_past()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await fixture.AppendAsync(Puts(1, "a=1", "b=2"));
        AppendBatch delete = new(LogPosition.Empty with { Revision = 3 });
        delete.Add(Delete("a", 4), null, null);
        await fixture.AppendAsync(delete);

        (await fixture.QueryAsync<string>("select convert_from(key, 'utf8') || mod_revision from pgetcd.current_state")).ShouldBe(["b3"]);
        (await fixture.QueryAsync<string>("select convert_from(key, 'utf8') || mod_revision from pgetcd.state_at(3)"))
            .ShouldBe(["a2", "b3"]);
        (await fixture.QueryAsync<bool>("select tombstone from pgetcd.history order by mod_revision")).ShouldBe([false, false, true]);
    }

    private static KeyRange Range(string key, string end) => new(Bytes(key), Bytes(end));
}
