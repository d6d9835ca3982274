using PgEtcd.Postgres.Transfer;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Verification;

/// <summary>No normal operation of a store counts as damage.</summary>
public sealed class SoundStoreTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task An_empty_store_is_sound()
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    /// <summary>Writes, compactions and steps of removal in any order, with and without the archive in turn.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_store_is_sound_after_every_step_of_a_random_history(int seed)
    {
        Random random = new(seed);
        await using RemovalFixture store = await RemovalFixture.CreateAsync(postgres);
        await store.ExecuteAsync("select pgetcd.keep_archive('30 days')");
        bool toArchive = seed % 2 == 0;
        for (int step = 0; step < 120; step++)
        {
            string key = $"k{random.Next(8)}";
            switch (random.Next(12))
            {
                case 0 when store.State.Revision > store.State.CompactRevision + 1:
                    await store.CompactAsync(random.NextInt64(Math.Max(1, store.State.CompactRevision + 1), store.State.Revision + 1));
                    break;
                case 1 or 2:
                    await store.StepAsync(random.Next(1, 5), toArchive);
                    break;
                case 3:
                    toArchive = random.Next(4) == 0 ? !toArchive : toArchive;
                    break;
                case 7:
                    await store.ExecuteAsync($"select pgetcd.record_digest({random.Next(1, 5)})");
                    break;
                case 4 or 5:
                    await store.WriteAsync(RemovalFixture.Delete(key, $"k{random.Next(8)}"));
                    break;
                case 6:
                    await store.WriteAsync(RemovalFixture.Delete(key));
                    break;
                default:
                    await store.WriteAsync(RemovalFixture.Put(key));
                    break;
            }

            (await Verified.OfAsync(store.Database)).ShouldBeEmpty($"seed {seed}, step {step}");
        }
    }

    [Fact]
    public async Task A_rollback_and_a_lossy_failover_leave_a_sound_store()
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        await log.QueryAsync<long>("select pgetcd.put('a', '1')");
        await log.QueryAsync<object>("begin; select pgetcd.put('a', '2'); rollback");
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();

        // A frontend had seen revision 9, which this PostgreSQL does not have.
        (await log.QueryAsync<bool>("select pgetcd.ensure_history(9, 0, 'a', '9', -1)")).ShouldBe([false]);
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
        await log.QueryAsync<long>("select pgetcd.put('a', '3')");
        await log.QueryAsync<long>("select pgetcd.put('b', '1')");
        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_imported_compacted_store_is_sound_and_has_no_past()
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        await using (LogImport import = (await LogImport.BeginAsync(log.Database, null, CancellationToken.None))!)
        {
            await import.AddAsync(40, 1, LogFixture.Bytes("a"), LogFixture.Bytes("x"), 7, 3, 0, CancellationToken.None);
            await import.AddAsync(50, 0, LogFixture.Bytes("b"), null, 0, 0, 0, CancellationToken.None);
            await import.AddAsync(51, 0, LogFixture.Bytes("a"), LogFixture.Bytes("y"), 7, 4, 5, CancellationToken.None);
            await import.FinishAsync(51, 50, [(5, 60)], auth: null, CancellationToken.None);
            await import.CommitAsync(CancellationToken.None);
        }

        (await Verified.OfAsync(log.Database)).ShouldBeEmpty();
        (await log.QueryAsync<long>("select oldest_revision from pgetcd.status")).ShouldBe([50]);
    }
}
