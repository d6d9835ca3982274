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
    private static readonly byte[][] ManyKeys =
        [.. Enumerable.Range(0, 500).Select(i => Bytes($"k{i}")), [.. new byte[2000], 1], [.. new byte[2000], 2]];

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

    [Theory]
    [InlineData(1, 4)]
    [InlineData(150, 3)]
    [InlineData(1000, 1)]
    public async Task Many_keys_are_looked_up_over_several_connections(int keysPerWalk, int walks)
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        for (int version = 0; version < 6; version++)
        {
            await PutAllAsync(fixture, version);
        }

        await fixture.QueryAsync<int>("analyze pgetcd.revisions");
        long before = await SessionsAsync();
        (_, KeySpace state, long rows) = await LoadAsync(fixture, keysPerWalk);

        (await SessionsAsync() - before).ShouldBe(walks - 1);
        rows.ShouldBe(ManyKeys.Length);
        state.Keys.Count.ShouldBe(ManyKeys.Length);
        Versions(state).ShouldBe([5]);

        async Task<long> SessionsAsync() => (await fixture.QueryAsync<long>(
            "select count(*) from pg_stat_activity where datname = current_database()")).Single();
    }

    [Fact]
    public async Task While_others_write_all_connections_see_the_same_revision()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        int version = 0;
        for (; version < 6; version++)
        {
            await PutAllAsync(fixture, version);
        }

        await fixture.QueryAsync<int>("analyze pgetcd.revisions");
        using CancellationTokenSource enough = new();
        Task writing = Task.Run(async () =>
        {
            for (; !enough.IsCancellationRequested; version++)
            {
                await PutAllAsync(fixture, version);
            }
        });
        List<(long Revision, int[] Versions)> loads = [];
        while (loads.Count == 0 || loads[^1].Versions[0] < 30)
        {
            (LogPosition position, KeySpace state, _) = await LoadAsync(fixture, keysPerWalk: 1);
            loads.Add((position.Revision, Versions(state)));
        }

        await enough.CancelAsync();
        await writing;
        loads.ShouldAllBe(load => load.Versions.Length == 1 && load.Revision == 1 + (load.Versions[0] + 1) * ManyKeys.Length);
    }

    /// <summary>Puts a version of each of <see cref="ManyKeys"/>, in a batch.</summary>
    private static async Task PutAllAsync(LogFixture fixture, int version)
    {
        long revision = 1 + version * ManyKeys.Length;
        AppendBatch batch = new(LogPosition.Empty with { Revision = revision });
        foreach (byte[] key in ManyKeys)
        {
            batch.Add(Put(key, [(byte)version], ++revision), null, null);
        }

        (await fixture.AppendAsync(batch)).Outcome.ShouldBe(AppendOutcome.Appended);
    }

    /// <summary>The versions of <see cref="ManyKeys"/>.</summary>
    private static int[] Versions(KeySpace state) => [.. ManyKeys.Select(key => (int)state.Keys.Find(key)!.Value[0]).Distinct()];

    private static async Task<(LogPosition Position, KeySpace State, long Rows)> LoadAsync(LogFixture fixture, long keysPerWalk = 50_000)
    {
        LastReport report = new();
        (LogPosition position, KeySpace state) =
            await new StateLoader(fixture.Database, keysPerWalk).LoadAsync(report, CancellationToken.None);
        return (position, state, report.Rows);
    }

    private sealed class LastReport : IProgress<LoadedRows>
    {
        public long Rows { get; private set; }

        public void Report(LoadedRows value) => Rows = value.Rows;
    }
}
