using Dapper;
using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;

namespace PgEtcd.Postgres.Tests.Maintenance;

/// <summary>The rows that physical removal takes and leaves (semantics.md §6).</summary>
public sealed class RemovalTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Keys = ["a", "a\u00e4", "b", "bb", "c", "d"];

    /// <summary>Removal killed at any point resumes by itself, and leaves the rows required by the rule: kine#414, #489, #365, #220,
    /// etcd#14685. The revision never decreases: etcd#17780. A frontend can start from any history: kine#311.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [Trait("issue", "kine#414")]
    [Trait("issue", "kine#489")]
    [Trait("issue", "kine#365")]
    [Trait("issue", "kine#220")]
    [Trait("issue", "kine#311")]
    [Trait("issue", "etcd#14685")]
    [Trait("issue", "etcd#17780")]
    public async Task After_any_history_of_writes_compactions_and_kills_the_rows_are_those_of_the_model(int seed)
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        Random random = new(seed);
        for (int round = 0; round < 12; round++)
        {
            for (int i = random.Next(25); i >= 0; i--)
            {
                await log.WriteAsync(AnyWrite(random));
            }

            if (random.Next(8) > 0 && log.State.Revision > log.State.CompactRevision)
            {
                await log.CompactAsync(random.Next(3) == 0
                    ? log.State.Revision
                    : random.NextInt64(Math.Max(0, log.State.CompactRevision + 1), log.State.Revision + 1));
            }

            for (int steps = random.Next(6); steps > 0; steps--)
            {
                int rows = random.Next(1, 9);
                await (random.Next(3) == 0 ? log.KilledStepAsync(rows) : log.StepAsync(rows));
                await ReadsAreWholeAsync(log, random);
            }

            if (random.Next(3) == 0)
            {
                (await log.RemoveAsync(random.Next(1, 50))).ShouldBe(RemovalOutcome.Finished);
                (await log.RowsAsync()).ShouldBe(RemovalModel.Survivors(log.History, log.State.CompactRevision));
            }
        }

        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).ShouldBe(RemovalModel.Survivors(log.History, log.State.CompactRevision));
        await ReadsAreWholeAsync(log, random);
    }

    [Fact]
    [Trait("issue", "etcd#18089")]
    [Trait("issue", "etcd#19179")]
    public async Task The_tombstone_at_the_compact_revision_stays_until_the_next_compaction()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Delete("a"));
        await log.WriteAsync(Put("b"));
        await log.CompactAsync(3);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).ShouldBe([new(3, 0, "a", true), new(4, 0, "b", false)]);

        await log.CompactAsync(4);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).ShouldBe([new(4, 0, "b", false)]);
    }

    /// <summary>The next compaction comes while removal is among the rows of the compact revision.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task The_tombstones_of_a_compact_revision_are_removed_wherever_removal_was_when_the_mark_moved(int rows)
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("b"));
        await log.WriteAsync(Put("c"));
        await log.WriteAsync(Delete("a", "d"));
        await log.CompactAsync(5);
        (await log.StepAsync(rows)).ShouldBe(RemovalOutcome.More);
        await log.WriteAsync(Put("b"));
        await log.WriteAsync(Put("b"));
        await log.CompactAsync(7);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).ShouldBe([new(7, 0, "b", false)]);
    }

    [Fact]
    [Trait("issue", "etcd#17780")]
    public async Task A_tombstone_that_is_the_last_row_of_all_stays_so_that_the_revision_does()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Delete("a"));
        await log.CompactAsync(3);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);

        (await log.Log.Log.PositionAsync(CancellationToken.None)).ShouldBe(new LogPosition(3, 3, 1));
        await log.WriteAsync(Put("a"));
        (await log.RowsAsync()).ShouldBe([new(3, 0, "a", true), new(4, 0, "a", false)]);
    }

    [Fact]
    public async Task A_revision_raised_above_all_rows_may_be_compacted()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Delete("a"));
        await log.ExecuteAsync("update pgetcd.cluster set base_revision = 1000");
        await log.CompactAsync(1000);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);

        (await log.RowsAsync()).ShouldBeEmpty();
        (await log.Log.Log.PositionAsync(CancellationToken.None)).Revision.ShouldBe(1000);
    }

    [Fact]
    public async Task One_revision_of_many_rows_is_removed_in_several_batches()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        for (int i = 0; i < 30; i++)
        {
            await log.WriteAsync(Put($"k{i:00}"));
        }

        await log.WriteAsync(Delete("k", "l"));
        await log.WriteAsync(Put("a"));
        await log.CompactAsync(log.State.Revision);

        (await log.StepAsync(rows: 35)).ShouldBe(RemovalOutcome.More);
        (await log.RowsAsync()).Count.ShouldBe(31 + 30 - 10);
        (await log.RemoveAsync(rows: 7)).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).ShouldHaveSingleItem().Key.ShouldBe("a");
    }

    [Fact]
    public async Task Rows_appended_a_moment_ago_are_kept_for_readers_of_the_log()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("b"));
        await log.WriteAsync(Put("b"));
        await log.ExecuteAsync("update pgetcd.revisions set committed_at = clock_timestamp() + interval '1 minute' where revision > 3");
        await log.CompactAsync(5);

        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Soon);
        (await log.RowsAsync()).Select(row => row.Revision).ShouldBe([3, 4, 5]);
        (await log.Removal.ProgressAsync(CancellationToken.None)).ShouldBe((5, -1));
    }

    /// <summary>docs/decisions/0007.</summary>
    [Fact]
    public async Task Invariant6_no_guessing_so_removal_leaves_the_last_append_of_a_frontend()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        RevisionLog other = new(log.Database, "other");
        await log.WriteAsync(Put("a"), isYoung: true);
        await log.WriteAsync(Put("b"), isYoung: true, from: other);
        await log.WriteAsync(Put("a"), isYoung: true);
        await log.WriteAsync(Put("b"), isYoung: true);
        await log.WriteAsync(Put("b"), isYoung: true);
        await log.ExecuteAsync("select pg_sleep(0.25)");
        await log.CompactAsync(6);

        // 3 is the last one written by the other frontend; 2 is not the last of ours, and 5 comes after 3.
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Later);
        (await log.RowsAsync()).Select(row => row.Revision).ShouldBe([3, 4, 5, 6]);
        (await log.Removal.ProgressAsync(CancellationToken.None)).ShouldBe((6, 6));

        await log.WriteAsync(Put("c"), isYoung: true, from: other);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).Select(row => row.Revision).ShouldBe([4, 6, 7]);
    }

    [Fact]
    public async Task The_cost_follows_the_compacted_span_and_not_the_table()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.ExecuteAsync("""
            insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
            select n + 1, 0, convert_to('k' || n % 5000, 'utf8'), 'v', 2 + (n - 1) % 5000, 1 + (n - 1) / 5000, 0,
                now() - interval '1 hour', 'gone'
            from generate_series(1, 20000) n
            """);
        await log.Log.Log.CompactAsync(19991, Guid.NewGuid(), CancellationToken.None);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).Count.ShouldBe(5000 + 10);
        await log.Log.Log.CompactAsync(20001, Guid.NewGuid(), CancellationToken.None);
        await new HashReader(log.Database).KeepHashAsync(CancellationToken.None);

        await using NpgsqlConnection connection = await log.Database.OpenAsync(CancellationToken.None);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
        (long Scans, long Fetched, long Deleted) before = await WorkAsync();
        await connection.ExecuteAsync("select pgetcd.remove_superseded(1000, '10 s', false)");
        (long Scans, long Fetched, long Deleted) after = await WorkAsync();

        (after.Scans - before.Scans).ShouldBe(0);
        (after.Deleted - before.Deleted).ShouldBe(10);
        (after.Fetched - before.Fetched).ShouldBeLessThan(50);

        // This backend's own counts, of this transaction and of others not yet reported.
        Task<(long, long, long)> WorkAsync() => connection.QuerySingleAsync<(long, long, long)>("""
            select seq_scan, idx_tup_fetch, n_tup_del from pg_stat_xact_user_tables
            where schemaname = 'pgetcd' and relname = 'revisions'
            """);
    }

    [Fact]
    [Trait("issue", "kine#220")]
    public async Task Invariant2_no_gaps_are_read_unnoticed_after_removal()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(new TxnOperation { Success = [Delete("a"), Put("b")] });
        await log.WriteAsync(Put("c"));
        RevisionLog revisions = log.Log.Log;
        await log.CompactAsync(4);
        (await TailAsync(2)).ShouldBe([(3, 0), (3, 1), (4, 0)], "the compaction alone removes nothing");

        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        // Half of revision 3 is left, which must not be taken for the whole.
        await Should.ThrowAsync<LogGapException>(() => TailAsync(2));
        (await TailAsync(3)).ShouldBe([(4, 0)]);
        AppendBatch late = new(new LogPosition(2, -1, 1));
        late.Add(LogFixture.Put("d", "1", 3), null, null);
        await Should.ThrowAsync<LogGapException>(
            () => new RevisionLog(log.Database, "late").AppendAsync(late, _ => { }, CancellationToken.None));
        await Should.ThrowAsync<LogGapException>(
            () => revisions.AppendLockedAsync(
                2, _ => { }, _ => throw new InvalidOperationException("not to be evaluated"), CancellationToken.None));

        async Task<List<(long, int)>> TailAsync(long after)
        {
            List<(long, int)> rows = [];
            await revisions.TailAsync(after, row => rows.Add((row.Revision, row.Sub)), CancellationToken.None);
            return rows;
        }
    }

    /// <summary>Otherwise a restart of PostgreSQL alone would look like a loss of history (design §11).</summary>
    [Fact]
    public async Task A_frontend_whose_last_change_was_removed_does_not_assume_lost_history()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(new TxnOperation { Success = [Put("b"), Delete("a")] });
        await log.WriteAsync(Put("c"));
        await log.CompactAsync(4);
        await log.RemoveAsync();
        (await log.RowsAsync()).ShouldBe([new(3, 0, "b", false), new(4, 0, "c", false)]);

        await using NpgsqlConnection connection = await log.Database.OpenAsync(CancellationToken.None);
        (await log.Log.Log.EnsureHistoryAsync(connection, 3, LogFixture.Delete("a", 3, sub: 1))).ShouldBeTrue();
        (await log.Log.Log.EnsureHistoryAsync(connection, 3, LogFixture.Put("b", "other", 3))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_repeated_compaction_is_recognised()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("a"));
        Guid token = Guid.NewGuid();
        RevisionLog revisions = log.Log.Log;

        (await revisions.CompactAsync(2, token, CancellationToken.None)).ShouldBe(CompactOutcome.Compacted);
        (await revisions.CompactAsync(2, token, CancellationToken.None)).ShouldBe(CompactOutcome.Compacted);
        (await revisions.CompactAsync(2, Guid.NewGuid(), CancellationToken.None)).ShouldBe(CompactOutcome.AlreadyCompacted);
        (await revisions.CompactAsync(1, token, CancellationToken.None)).ShouldBe(CompactOutcome.AlreadyCompacted);
        (await revisions.CompactAsync(9, token, CancellationToken.None)).ShouldBe(CompactOutcome.FutureRevision);
    }

    private static Operation AnyWrite(Random random)
    {
        string key = Keys[random.Next(Keys.Length)];
        return random.Next(6) switch
        {
            0 => Delete(key),
            1 => Delete(key, random.Next(2) == 0 ? "c" : "\0"),
            // A key that is deleted and put in one revision.
            2 => new TxnOperation { Success = [Delete("c", "\0"), Put("d"), Put("c")] },
            _ => Put(key),
        };
    }

    private static async Task ReadsAreWholeAsync(RemovalFixture log, Random random)
    {
        StateReader reader = new(log.Database);
        (LogPosition position, KeySpace keys) = await new StateLoader(log.Database).LoadAsync(null, CancellationToken.None);
        position.ShouldBe(new LogPosition(log.State.Revision, log.State.CompactRevision, 1));
        keys.Keys.Count.ShouldBe(log.State.Keys.Count);
        long revision = random.NextInt64(Math.Max(1, position.CompactRevision), position.Revision + 1);
        (_, List<KeyRecord> records, _) = await reader.RangeAtAsync(
            new KeyRange(LogFixture.Bytes("\0"), LogFixture.Bytes("\0")), revision, long.MaxValue, CancellationToken.None);
        records.Select(record => System.Text.Encoding.UTF8.GetString(record.Key)).ShouldBe(RemovalModel.KeysAt(log.History, revision));
    }
}
