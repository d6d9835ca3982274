using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.History;

public sealed class StateReaderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly IReadOnlySet<long> NoLeases = new HashSet<long>();

    [Fact]
    public async Task Every_past_state_and_the_present_one_are_what_was_evaluated()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        Dictionary<long, KeySpace> states = await WriteRandomHistoryAsync(fixture, revisions: 120);
        StateReader reader = new(fixture.Database);

        (LogPosition position, KeySpace present) = await reader.LoadAsync(CancellationToken.None);

        Show(present.Keys).ShouldBe(Show(states[position.Revision].Keys));
        KeyRange[] ranges = [Range("", "\0"), Range("b", ""), Range("b", "d"), Range("c", "\0"), Range("a\0", "b\0")];
        foreach ((long revision, KeySpace state) in states.Where(state => state.Key % 7 == 0))
        {
            foreach (KeyRange range in ranges)
            {
                (_, List<KeyRecord> records, long count) = await reader.RangeAtAsync(range, revision, long.MaxValue, CancellationToken.None);
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

    /// <summary>Fault A4: there was no bound. The rest is not read, and the connection is used again.</summary>
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
    public async Task Keys_that_agree_in_their_first_kilobyte_are_told_apart()
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
        (await fixture.QueryAsync<string>("select convert_from(key, 'utf8') || mod_revision from pgetcd.state_at(3)")).ShouldBe(["a2", "b3"]);
        (await fixture.QueryAsync<bool>("select tombstone from pgetcd.history order by mod_revision")).ShouldBe([false, false, true]);
    }

    private static async Task<Dictionary<long, KeySpace>> WriteRandomHistoryAsync(LogFixture fixture, int revisions)
    {
        Random random = new(20260101);
        KeySpace state = KeySpace.Empty;
        Dictionary<long, KeySpace> states = new() { [1] = state };
        string[] keys = ["a", "a\0", "b", "b\0", "bb", "c", "d"];
        while (state.Revision <= revisions)
        {
            Operation operation = random.Next(3) == 0
                ? new DeleteRangeOperation { Key = Bytes(keys[random.Next(keys.Length)]), RangeEnd = random.Next(2) == 0 ? Bytes("c") : default }
                : new PutOperation { Key = Bytes(keys[random.Next(keys.Length)]), Value = Bytes($"v{random.Next(9)}") };
            Fork fork = state.Fork();
            fork.Evaluate(operation, NoLeases, new NoHistory(), out _).ShouldBe(KvError.None);
            AppendBatch batch = new(LogPosition.Empty with { Revision = state.Revision });
            foreach (KvEvent change in fork.Events)
            {
                batch.Add(change, null, null);
            }

            if (!batch.IsEmpty)
            {
                (await fixture.AppendAsync(batch)).Outcome.ShouldBe(AppendOutcome.Appended);
            }

            state = fork.Freeze();
            states[state.Revision] = state;
        }

        return states;
    }

    private static KeyRange Range(string key, string end) => new(Bytes(key), Bytes(end));

    private static string[] Show(KeyTree keys, KeyRange? range = null) =>
        [.. new KeySpaceReader(keys).Where(record => range is not { } within || within.Contains(record.Key)).Select(Show)];

    private static string Show(KeyRecord record) =>
        $"{System.Text.Encoding.UTF8.GetString(record.Key)}={System.Text.Encoding.UTF8.GetString(record.Value)} {record.CreateRevision}/{record.ModRevision} v{record.Version}";

    private sealed class NoHistory : IHistory
    {
        public RangeResult? Range(RangeOperation operation, long headerRevision) => null;
    }

    private sealed class KeySpaceReader(KeyTree keys) : List<KeyRecord>(
        KeySpace.Load(1, -1, keys).Range(new RangeOperation { Key = new byte[] { 0 }, RangeEnd = new byte[] { 0 } }, 1).Records);
}
