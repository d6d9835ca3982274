using System.Diagnostics;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Reading;

public sealed class TailTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Invariant5_no_answer_before_commit_so_a_later_catch_up_sees_it()
    {
        await using StoreParts reader = await CreateAsync(postgres);
        await using StoreParts writer = await reader.AnotherAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async client =>
        {
            for (int i = 0; i < 40; i++)
            {
                long committed = (await writer.WriteAsync(Put($"k{client}", $"{i}"))).Result!.Revision;
                await reader.Tail.CatchUpAsync().WaitAsync(Patience);
                reader.Replica.Current.Revision.ShouldBeGreaterThanOrEqualTo(committed);
                Show(reader.Replica.Current).ShouldContain(line => line.StartsWith($"k{client}={i} ", StringComparison.Ordinal));
            }
        })).WaitAsync(Patience);

        await reader.Tail.CatchUpAsync().WaitAsync(Patience);
        Show(reader.Replica.Current).ShouldBe(Show(writer.Replica.Current));
    }

    /// <summary>A frontend that writes all the time is notified of its own rows all the time, and never polls.</summary>
    [Fact]
    public async Task An_append_proves_like_a_read_that_the_state_is_current()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await Eventually.TrueAsync(() => !here.Tail.IsFresh, "nothing is read for as long as a reading is trusted, five seconds");

        await here.WriteAsync(Put("a", "1"));

        here.Tail.IsFresh.ShouldBeTrue();
    }

    [Fact]
    public async Task It_sees_its_own_frontends_writes_and_the_compaction_mark_too()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        (await there.Log.CompactAsync(2, Guid.NewGuid(), CancellationToken.None)).ShouldBe(CompactOutcome.Compacted);

        await here.Tail.CatchUpAsync().WaitAsync(Patience);

        here.Replica.State.Position.ShouldBe(new LogPosition(2, 2, 1));
    }

    [Fact]
    public async Task Callers_during_one_round_share_the_next()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        int queries = 0;
        using ActivityListener counter = new()
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = query =>
            {
                string tags = string.Join(' ', query.TagObjects.Select(tag => $"{tag.Value}"));
                if (tags.Contains("base_revision", StringComparison.Ordinal)
                    && tags.Split(' ').Contains(parts.Database.ConnectionString.Database))
                {
                    Interlocked.Increment(ref queries);
                }
            },
        };
        ActivitySource.AddActivityListener(counter);
        Task first;
        Task[] others;
        await using (await parts.HoldAsync())
        {
            first = parts.Tail.CatchUpAsync();
            others = [.. Enumerable.Range(0, 50).Select(_ => parts.Tail.CatchUpAsync())];
            first.IsCompleted.ShouldBeFalse();
        }

        await Task.WhenAll([first, .. others]).WaitAsync(Patience);
        queries.ShouldBe(2);
    }

    [Fact]
    public async Task A_reader_that_works_long_after_its_barrier_blocks_no_other()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        using ManualResetEventSlim isWorking = new();
        using ManualResetEventSlim mayEnd = new();
        Task worker = Task.Run(async () =>
        {
            await parts.Tail.CatchUpAsync().ConfigureAwait(false);
            isWorking.Set();
            mayEnd.Wait(Patience).ShouldBeTrue();
        });
        isWorking.Wait(Patience).ShouldBeTrue();

        Task other = parts.Tail.CatchUpAsync();
        bool isInTime = await Task.WhenAny(other, Task.Delay(TimeSpan.FromSeconds(30))) == other;
        mayEnd.Set();

        await Task.WhenAll(worker, other).WaitAsync(Patience);
        isInTime.ShouldBeTrue();
    }

    [Fact]
    public async Task Without_the_database_catching_up_fails_in_time_and_recovers_later()
    {
        string connectionString = await postgres.CreateStoreAsync() + ";Command Timeout=1";
        await using StoreParts parts = await OpenAsync(connectionString, timeLimit: TimeSpan.FromSeconds(2));
        await using StoreParts other = await OpenAsync(connectionString);
        await other.WriteAsync(Put("a", "1"));
        await using (await parts.HoldAsync())
        {
            Task first = parts.Tail.CatchUpAsync();
            Task second = parts.Tail.CatchUpAsync();
            await Should.ThrowAsync<StoreUnavailableException>(first.WaitAsync(Patience));
            await Should.ThrowAsync<StoreUnavailableException>(second.WaitAsync(Patience));
            await parts.Tail.WakeAsync(null).WaitAsync(Patience); // a hint comes to nothing and is no error
        }

        await parts.Tail.CatchUpAsync().WaitAsync(Patience);
        Show(parts.Replica.Current).ShouldBe(["a=1 2/2.0 v1"]);
    }

    [Fact]
    public async Task A_hint_about_known_rows_causes_no_query()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        await using StoreParts other = await parts.AnotherAsync();
        await other.WriteAsync(Put("a", "1"));

        await parts.Tail.WakeAsync(1).WaitAsync(Patience);
        parts.Replica.Current.Revision.ShouldBe(1);
        await parts.Tail.WakeAsync(2).WaitAsync(Patience);
        parts.Replica.Current.Revision.ShouldBe(2);
    }
}
