using PgEtcd.Postgres;
using PgEtcd.Server.Store;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Server.Tests.Store.StoreParts;

namespace PgEtcd.Server.Tests.Store;

public sealed class TailTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_catch_up_begun_after_a_commit_sees_it_however_many_share_it()
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

    [Fact]
    public async Task It_sees_its_own_frontends_writes_and_the_compaction_mark_too()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        (await there.Log.CompactAsync(2, CancellationToken.None)).ShouldBe(CompactOutcome.Compacted);

        await here.Tail.CatchUpAsync().WaitAsync(Patience);

        here.Replica.State.Position.ShouldBe(new LogPosition(2, 2, 1));
    }

    [Fact]
    public async Task Callers_during_one_round_share_the_next()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        await using (await parts.HoldAsync())
        {
            Task first = parts.Tail.CatchUpAsync();
            Task[] others = [.. Enumerable.Range(0, 50).Select(_ => parts.Tail.CatchUpAsync())];

            first.IsCompleted.ShouldBeFalse();
            others.ShouldAllBe(other => !ReferenceEquals(other, first) && ReferenceEquals(other, others[0]));
        }

        await parts.Tail.CatchUpAsync().WaitAsync(Patience);
    }

    [Fact]
    public async Task When_the_database_does_not_answer_in_time_that_is_said_and_later_all_is_well()
    {
        string connectionString = await postgres.CreateDatabaseAsync() + ";Command Timeout=1";
        await using StoreParts parts = await OpenAsync(connectionString, timeLimit: TimeSpan.FromMilliseconds(300));
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
    public async Task A_hint_of_what_is_there_already_asks_nobody()
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
