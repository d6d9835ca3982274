using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Frontend.Members;
using PgEtcd.Postgres.Members;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Members;

/// <summary>Leadership as known by a frontend itself.</summary>
public sealed class LeadershipTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(10);

    [Fact]
    public async Task A_job_runs_only_on_the_leader_and_moves_when_it_leaves()
    {
        await using StoreParts parts = await StoreParts.CreateAsync(postgres);
        await using Frontend first = await JoinAsync(parts, "first", 1);
        await using Frontend second = await JoinAsync(parts, "second", 2);
        (int runsOfFirst, int runsOfSecond) = (0, 0);
        _ = first.Jobs.RunWhileLeadingAsync("a job", Often, _ => Task.FromResult(runsOfFirst++));
        _ = second.Jobs.RunWhileLeadingAsync("a job", Often, _ => Task.FromResult(runsOfSecond++));

        await Eventually.TrueAsync(() => runsOfFirst > 20, StoreParts.Patience, "the first leads");
        (first.Leader.IsLeader, second.Leader.IsLeader, runsOfSecond).ShouldBe((true, false, 0));
        second.Membership.Current.Select(member => (member.Id, member.IsLeader)).ShouldBe([(1, true), (2, false)]);

        await first.LeaveAsync();
        int runs = runsOfFirst;
        await Eventually.TrueAsync(() => runsOfSecond > 20, "the second leads");
        (first.Leader.IsLeader, runsOfFirst).ShouldBe((false, runs));
        await Eventually.TrueAsync(() => second.Membership.Current.Count == 1, StoreParts.Patience, "the first is off the list");
    }

    [Fact]
    public async Task A_leader_that_cannot_renew_knows_its_end_and_stops_its_job()
    {
        await using StoreParts parts = await StoreParts.CreateAsync(postgres);
        await using Frontend only = await JoinAsync(parts, "only", 1);
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int runs = 0;
        _ = only.Jobs.RunWhileLeadingAsync("a job", Often, async token =>
        {
            runs++;
            await Task.Delay(Timeout.Infinite, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stopped.TrySetResult();
        });
        await Eventually.TrueAsync(() => runs == 1, StoreParts.Patience, "the job runs");
        await using (Npgsql.NpgsqlConnection connection = await parts.Database.OpenAsync(CancellationToken.None))
        {
            await using Npgsql.NpgsqlTransaction held = await connection.BeginTransactionAsync();
            await using Npgsql.NpgsqlCommand hold = new("lock table pgetcd.leader", connection);
            await hold.ExecuteNonQueryAsync();

            await stopped.Task.WaitAsync(StoreParts.Patience);
            await Eventually.TrueAsync(() => !only.Leader.IsLeader, "it does not lead");
            (await parts.QueryAsync<bool>("select 1 = 1")).ShouldBe([true], "the database itself answers");
        }

        await Eventually.TrueAsync(() => only.Leader.IsLeader && runs > 1, StoreParts.Patience, "it leads again");
    }

    [Fact]
    public async Task A_job_that_fails_runs_again()
    {
        await using StoreParts parts = await StoreParts.CreateAsync(postgres);
        await using Frontend only = await JoinAsync(parts, "only", 1);
        int runs = 0;
        _ = only.Jobs.RunWhileLeadingAsync(
            "a job", Often, _ => runs++ < 3 ? throw new InvalidOperationException("Not this time.") : Task.CompletedTask);
        await Eventually.TrueAsync(() => runs > 5, StoreParts.Patience, "it goes on");
    }

    [Fact]
    public async Task An_id_with_heartbeats_is_left_to_its_run_and_one_without_is_taken()
    {
        await using StoreParts parts = await StoreParts.CreateAsync(postgres);
        await new MemberTable(parts.Database).BeatAsync(Member(1), "killed a moment ago", 1, CancellationToken.None);
        // Heartbeats count as half a minute younger, so that a machine which stands still for 1.5 s does not silence the second run.
        await parts.QueryAsync<int>("""
            create function pgetcd.make_younger() returns trigger language plpgsql as
                $$ begin new.heartbeat_at := new.heartbeat_at + interval '30 seconds'; return new; end $$;
            create trigger make_younger before update on pgetcd.members
                for each row when (new.run = 'restarted') execute function pgetcd.make_younger();
            """);
        await using Frontend restarted = await JoinAsync(parts, "restarted", 1, 10);
        await using Frontend other = await JoinAsync(parts, "other", 1, 1, 12);

        restarted.Membership.Self.Id.ShouldBe(1);
        other.Membership.Self.Id.ShouldBe(12);
        (await parts.QueryAsync<string>("select id || run from pgetcd.members order by id")).ShouldBe(["1restarted", "12other"]);
    }

    [Fact]
    public async Task A_hand_over_stops_the_jobs_here_first_and_the_other_frontend_runs_them()
    {
        await using StoreParts parts = await StoreParts.CreateAsync(postgres);
        await using Frontend first = await JoinAsync(parts, "first", 1);
        await using Frontend second = await JoinAsync(parts, "second", 2);
        int running = 0;
        int most = 0;
        int ofSecond = 0;
        foreach (Frontend frontend in (Frontend[])[first, second])
        {
            _ = frontend.Jobs.RunWhileLeadingAsync("a job", Often, async token =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                ofSecond += frontend == second ? 1 : 0;
                await Task.Delay(100, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Interlocked.Decrement(ref running);
            });
        }

        await Eventually.TrueAsync(() => running == 1, StoreParts.Patience, "the first works");
        (await HandOverAsync(parts, second, 2)).ShouldBe(HandOverOutcome.NotLeader);
        (await HandOverAsync(parts, first, 3)).ShouldBe(HandOverOutcome.NoSuchMember);
        (await HandOverAsync(parts, first, 1)).ShouldBe(HandOverOutcome.Done);
        first.Leader.IsLeader.ShouldBeTrue();

        // On a busy machine the other's next beat may come too late to take over.
        await Eventually.TrueAsync(
            async () => await HandOverAsync(parts, first, 2) == HandOverOutcome.Done, StoreParts.Patience, "the other takes over");
        first.Leader.IsLeader.ShouldBeFalse();
        first.Membership.Current.Single(member => member.IsLeader).Id.ShouldBe(2);
        await Eventually.TrueAsync(() => second.Leader.IsLeader && ofSecond > 3, StoreParts.Patience, "the second works");
        most.ShouldBe(1);
    }

    private static Task<HandOverOutcome> HandOverAsync(StoreParts parts, Frontend from, long target) =>
        new HandOver(from.Membership, from.Leader, parts.Database, TimeProvider.System, StoreParts.Patience).ToAsync(target);

    private static async Task<Frontend> JoinAsync(StoreParts parts, string run, params long[] ids)
    {
        Leader leader = new(TimeProvider.System, NullLogger<Leader>.Instance);
        Membership membership = new(
            parts.Database, leader, run, [.. ids.Select(Member)], static () => 1, TimeProvider.System, NullLogger<Membership>.Instance);
        await membership.JoinAsync(CancellationToken.None);
        return new Frontend(leader, membership, new LeaderJobs(leader, TimeProvider.System, NullLogger<LeaderJobs>.Instance));
    }

    private static Member Member(long id) => new(id, $"member{id}", ["http://127.0.0.1:1"], ["http://127.0.0.1:2"]);

    /// <summary>One frontend among the others, as the host composes it.</summary>
    private sealed record Frontend(Leader Leader, Membership Membership, LeaderJobs Jobs) : IAsyncDisposable
    {
        public async Task LeaveAsync()
        {
            Leader.Resign();
            await Jobs.StoppedAsync();
            await Membership.LeaveAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await LeaveAsync();
            await Membership.DisposeAsync();
            Leader.Dispose();
        }
    }
}
