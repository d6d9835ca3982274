using Dapper;
using Npgsql;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.Revisions;

/// <summary>The invariants of the log (design §2).</summary>
public sealed class AppendTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Invariant2_no_gaps_from_revision_2_on()
    {
        await using LogFixture fixture = await CreateAsync(postgres);

        (await fixture.AppendAsync(Puts(1, "a=1", "b=2"))).ShouldBe(Appended(3));
        (await fixture.AppendAsync(Puts(3, "c=3"))).ShouldBe(Appended(4));

        (await fixture.QueryAsync<long>("select revision from pgetcd.revisions order by 1")).ShouldBe([2, 3, 4]);
        (await fixture.QueryAsync<long>("select last_value from pgetcd.revision_seq")).ShouldBe([4]);
    }

    [Fact]
    public async Task All_appends_go_to_one_PostgreSQL_process_and_all_barriers_to_one()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        List<NpgsqlConnection> idle = [];
        for (int i = 0; i < 3; i++)
        {
            idle.Add(await fixture.Database.OpenAsync(CancellationToken.None));
        }

        foreach (NpgsqlConnection connection in idle)
        {
            await connection.DisposeAsync();
        }

        for (int revision = 1; revision <= 5; revision++)
        {
            await fixture.AppendAsync(Puts(revision, "a=1"));
            await fixture.Log.PositionAsync(CancellationToken.None);
        }

        // From outside of the pool, whose sessions it would make show this query instead.
        await using NpgsqlConnection outside = new(fixture.ConnectionString + ";Pooling=false");
        (await ProcessesAsync("select \"pgetcd\".append_one(")).ShouldBe(1);
        (await ProcessesAsync("select greatest(c.base_revision")).ShouldBe(1);

        Task<long> ProcessesAsync(string lastStatement) => outside.QuerySingleAsync<long>(
            "select count(*) from pg_stat_activity where datname = current_database() and starts_with(query, @lastStatement)",
            new { lastStatement });
    }

    [Fact]
    public async Task Invariant2_no_gaps_after_a_rolled_back_append()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await using (NpgsqlConnection connection = await fixture.Database.OpenAsync(CancellationToken.None))
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync())
        {
            await connection.ExecuteAsync("""
                select pgetcd.append(1, -1, 1, 'gone', '{0,0}', array['a','b']::bytea[], array['x','y']::bytea[],
                    '{2,3}', '{1,1}', '{0,0}', '{}', '{}', '{}', '{}')
                """);
            await transaction.RollbackAsync();
        }

        (await fixture.QueryAsync<long>("select last_value from pgetcd.revision_seq")).ShouldBe([3]);
        (await fixture.AppendAsync(Puts(1, "c=3"))).ShouldBe(Appended(2));
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_on_the_revision_and_brings_the_missed_rows()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        RevisionLog elsewhere = new(fixture.Database, "elsewhere");
        AppendBatch theirs = new(LogPosition.Empty);
        theirs.Add(Put("a", "1", 2), null, null);
        theirs.Add(Put("b", "", 3), null, null);
        theirs.Add(Delete("a", 3, sub: 1), null, null);
        await elsewhere.AppendAsync(theirs, _ => { }, CancellationToken.None);

        List<LogRow> missed = [];
        AppendResult result = await fixture.AppendAsync(Puts(1, "c=3", "b=4"), missed);

        result.Outcome.ShouldBe(AppendOutcome.Conflict);
        result.Position.Revision.ShouldBe(3);
        missed.Select(row => (row.Revision, row.Sub, row.Value?.Length, row.Version)).ShouldBe(
            [(2L, 0, 1, 1L), (3L, 0, 0, 1L), (3L, 1, null, 0L)]);
        (await fixture.QueryAsync<long>("select count(*) from pgetcd.revisions")).ShouldBe([3]);
    }

    [Fact]
    public async Task Invariant6_no_guessing_a_batch_sent_again_is_in_the_log_once()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        AppendBatch batch = Puts(1, "a=1", "b=2");
        await fixture.AppendAsync(batch);

        (await fixture.AppendAsync(batch)).ShouldBe(Appended(3));
        await new RevisionLog(fixture.Database, "elsewhere").AppendAsync(Puts(3, "c=3"), _ => { }, CancellationToken.None);
        (await fixture.AppendAsync(batch)).ShouldBe(Appended(3));

        (await fixture.QueryAsync<long>("select count(*) from pgetcd.revisions")).ShouldBe([3]);
    }

    /// <summary>A single change takes another path (append_one), and must look the same in the log.</summary>
    [Fact]
    public async Task A_single_change_is_written_as_in_a_batch()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await new LeaseTable(fixture.Database).GrantAsync(7, 60, Guid.NewGuid(), CancellationToken.None);
        KvEvent[] Changes(long head) => [Put("k", "v", head + 1, lease: 7), Put("", "", head + 2), Delete("k", head + 3)];
        foreach (KvEvent change in Changes(1))
        {
            (await fixture.AppendAsync(Batch(change.Revision - 1, change))).ShouldBe(Appended(change.Revision));
        }

        (await fixture.AppendAsync(Batch(4, Changes(4)))).ShouldBe(Appended(7));
        (await fixture.QueryAsync<int>("""
            select count(distinct (key, value, sub, create_revision = revision, version, lease, username, client, frontend))::integer
            from pgetcd.revisions where committed_at <= clock_timestamp()
            """)).ShouldBe([3]);

        static AppendBatch Batch(long head, params KvEvent[] changes)
        {
            AppendBatch batch = new(LogPosition.Empty with { Revision = head });
            foreach (KvEvent change in changes)
            {
                batch.Add(change, "user", change.Record is null ? null : "client");
                if (change.Record is { Lease: not 0 } record)
                {
                    batch.Require(record.Lease);
                }
            }

            return batch;
        }
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_for_a_single_change_too()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        AppendBatch lone = Puts(1, "a=1");
        (await fixture.AppendAsync(lone)).ShouldBe(Appended(2));
        (await fixture.AppendAsync(lone)).ShouldBe(Appended(2));

        List<LogRow> missed = [];
        RevisionLog elsewhere = new(fixture.Database, "elsewhere");
        (await elsewhere.AppendAsync(lone, missed.Add, CancellationToken.None)).Outcome.ShouldBe(AppendOutcome.Conflict);
        missed.ShouldHaveSingleItem().Revision.ShouldBe(2);

        AppendBatch leased = new(LogPosition.Empty with { Revision = 2 });
        leased.Add(Put("b", "1", 3, lease: 8), null, null);
        leased.Require(8);
        (await fixture.AppendAsync(leased)).MissingLeases.ShouldBe([8]);
        (await fixture.QueryAsync<long>("select count(*) from pgetcd.revisions")).ShouldBe([1]);
    }

    [Fact]
    public async Task Invariant6_no_guessing_a_batch_that_landed_late_is_not_taken_for_a_later_one()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        AppendBatch zombie = Puts(1, "a=1");
        await fixture.AppendAsync(zombie);
        fixture.Log.Abandon();

        List<LogRow> missed = [];
        (await fixture.AppendAsync(Puts(1, "a=2"), missed)).Outcome.ShouldBe(AppendOutcome.Conflict);
        missed.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Invariant1_order_is_commit_order_for_writers_that_never_talk_to_each_other()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            RevisionLog log = new(fixture.Database, $"writer{writer}");
            long head = 1;
            for (int written = 0; written < 50;)
            {
                AppendBatch batch = writer % 2 == 0
                    ? Puts(head, $"w{writer}={written}", $"w{writer}b={written}")
                    : Puts(head, $"w{writer}={written}");
                AppendResult result = await log.AppendAsync(batch, _ => { }, CancellationToken.None);
                head = result.Position.Revision;
                written += result.Outcome == AppendOutcome.Appended ? 1 : 0;
            }
        }));

        (await fixture.QueryAsync<long>("select revision from pgetcd.revisions order by 1"))
            .ShouldBe(Enumerable.Range(2, 300).Select(revision => (long)revision));
        (await fixture.QueryAsync<long>("""
            select count(*) from pgetcd.revisions a join pgetcd.revisions b on b.revision = a.revision + 1
            where b.committed_at < a.committed_at
            """)).ShouldBe([0]);
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_on_its_leases()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        LeaseTable leases = new(fixture.Database);
        await leases.GrantAsync(7, 60, Guid.NewGuid(), CancellationToken.None);
        AppendBatch batch = new(LogPosition.Empty);
        batch.Add(Put("a", "1", 2, lease: 7), null, null);
        batch.Require(7);
        batch.Require(8);

        AppendResult result = await fixture.AppendAsync(batch);

        result.Outcome.ShouldBe(AppendOutcome.LeaseMissing);
        result.MissingLeases.ShouldBe([8]);
        (await fixture.QueryAsync<long>("select count(*) from pgetcd.revisions")).ShouldBe([0]);
    }

    [Fact]
    public async Task A_revoked_lease_is_deleted_with_the_batch()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await new LeaseTable(fixture.Database).GrantAsync(-7, 60, Guid.NewGuid(), CancellationToken.None);
        AppendBatch batch = new(LogPosition.Empty);
        batch.Revoke(-7);

        (await fixture.AppendAsync(batch)).ShouldBe(Appended(1));
        (await fixture.AppendAsync(batch)).Outcome.ShouldBe(AppendOutcome.LeaseMissing);
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_on_the_compaction_mark()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await fixture.AppendAsync(Puts(1, "a=1", "b=2"));
        (await fixture.Log.CompactAsync(2, Guid.NewGuid(), CancellationToken.None)).ShouldBe(CompactOutcome.Compacted);

        AppendResult result = await fixture.AppendAsync(Puts(3, "c=3"));

        result.ShouldBe(new AppendResult(AppendOutcome.Conflict, new LogPosition(3, 2, 1), result.MissingLeases));
    }

    [Fact]
    public async Task A_key_larger_than_an_index_entry_is_stored()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        byte[] key = new byte[100_000];
        new Random(1).NextBytes(key);
        AppendBatch batch = new(LogPosition.Empty);
        batch.Add(Put(key, [1], 2), null, null);

        (await fixture.AppendAsync(batch)).Outcome.ShouldBe(AppendOutcome.Appended);
    }

    [Fact]
    public async Task Invariant1_order_is_commit_order_so_the_holder_of_the_lock_cannot_lose()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        RevisionLog elsewhere = new(fixture.Database, "elsewhere");
        await elsewhere.AppendAsync(Puts(1, "a=1"), _ => { }, CancellationToken.None);
        List<LogRow> missed = [];
        Task<AppendResult>? contender = null;

        AppendResult? result = await fixture.Log.AppendLockedAsync(1, missed.Add, position =>
        {
            contender = elsewhere.AppendAsync(Puts(2, "c=2"), _ => { }, CancellationToken.None);
            position.Revision.ShouldBe(2);
            return Puts(2, "c=3");
        }, CancellationToken.None);

        result.ShouldBe(Appended(3));
        missed.Count.ShouldBe(1);
        (await contender!).Outcome.ShouldBe(AppendOutcome.Conflict);
    }

    [Fact]
    public async Task The_audit_columns_name_the_writer()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        await fixture.AppendAsync(Puts(1, "a=1"));

        (await fixture.QueryAsync<string>("select username || ' ' || client || ' ' || split_part(frontend, '-', 1) from pgetcd.history"))
            .ShouldBe(["user client here"]);
    }
}
