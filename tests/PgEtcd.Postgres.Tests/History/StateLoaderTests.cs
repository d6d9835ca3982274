using PgEtcd.Mvcc;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.History.RandomHistory;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.History;

public sealed class StateLoaderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_log_without_statistics_is_replayed()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        Dictionary<long, KeySpace> states = await WriteAsync(fixture, revisions: 120);

        (LogPosition position, KeySpace state, long rows) = await LoadAsync(fixture);

        Show(state.Keys).ShouldBe(Show(states[position.Revision].Keys));
        rows.ShouldBeGreaterThanOrEqualTo(120);
    }

    [Fact]
    public async Task Of_keys_with_a_long_history_only_the_newest_rows_are_read()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        Dictionary<long, KeySpace> states = await WriteAsync(fixture, revisions: 120);
        await fixture.QueryAsync<int>("analyze pgetcd.revisions");

        (LogPosition position, KeySpace state, long rows) = await LoadAsync(fixture);

        Show(state.Keys).ShouldBe(Show(states[position.Revision].Keys));
        rows.ShouldBeLessThanOrEqualTo(7);
    }

    [Fact]
    public async Task Keys_that_agree_in_their_first_kilobyte_are_all_read()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        byte[][] keys = [[.. new byte[1023]], [.. new byte[1024]], [.. new byte[3000], 1], [.. new byte[3000], 2], [1]];
        AppendBatch batch = new(LogPosition.Empty);
        for (int i = 0; i < 100; i++) // few, as ANALYZE counts wide values as distinct
        {
            batch.Add(Put(keys[i < keys.Length ? i : ^1], [(byte)i], 2 + i), null, null);
        }

        batch.Add(Put(keys[2], [100], 102), null, null);
        batch.Add(new(keys[3], null, null, 103, 0), null, null);
        await fixture.AppendAsync(batch);
        await fixture.QueryAsync<int>("analyze pgetcd.revisions");

        (_, KeySpace state, long rows) = await LoadAsync(fixture);

        rows.ShouldBe(keys.Length);
        state.Keys.Count.ShouldBe(4);
        keys.Select(key => (int?)state.Keys.Find(key)?.Value[0]).ShouldBe([0, 1, 100, null, 99]);
    }

    [Fact]
    public async Task More_keys_than_the_statistics_know_are_replayed()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await fixture.AppendAsync(Puts(1, [.. Enumerable.Range(0, 100).Select(i => $"k={i}")]));
        await fixture.QueryAsync<int>("analyze pgetcd.revisions");
        await fixture.AppendAsync(Puts(101, [.. Enumerable.Range(0, 100).Select(i => $"k{i}={i}")]));

        (_, KeySpace state, long rows) = await LoadAsync(fixture);

        state.Keys.Count.ShouldBe(101);
        rows.ShouldBe(200);
    }

    private static async Task<(LogPosition Position, KeySpace State, long Rows)> LoadAsync(LogFixture fixture)
    {
        LastReport report = new();
        (LogPosition position, KeySpace state) = await new StateLoader(fixture.Database).LoadAsync(report, CancellationToken.None);
        return (position, state, report.Rows);
    }

    private sealed class LastReport : IProgress<LoadedRows>
    {
        public long Rows { get; private set; }

        public void Report(LoadedRows value) => Rows = value.Rows;
    }
}
