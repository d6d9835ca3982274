using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Revisions;

public sealed class LogListenerTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Invariant4_one_commit_per_batch_wakes_the_tail_and_a_lost_connection_heals()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        Channel<long?> wakes = Channel.CreateUnbounded<long?>();
        using CancellationTokenSource stop = new();
        Task listening = new LogListener(fixture.Database, new RevisionLog(fixture.Database, "here"), NullLogger<LogListener>.Instance)
            .RunAsync(async head => await wakes.Writer.WriteAsync(head), stop.Token);
        (await wakes.Reader.ReadAsync().AsTask().WaitAsync(Limit)).ShouldBeNull("it reads once when it starts listening");

        await fixture.AppendAsync(LogFixture.Puts(1, "a=1", "b=2"));
        await UntilAsync(wakes.Reader, 3);

        await fixture.QueryAsync<bool>("""
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%' or query = 'select 1'
            """);
        await fixture.AppendAsync(LogFixture.Puts(3, "c=3"));
        await UntilAsync(wakes.Reader, null);
        long head = 4;
        while (true)
        {
            // Once it listens again, an append is announced again.
            await fixture.AppendAsync(LogFixture.Puts(head++, "d=4"));
            if ((await wakes.Reader.ReadAsync().AsTask().WaitAsync(Limit)) is not null)
            {
                break;
            }
        }

        await stop.CancelAsync();
        await listening.WaitAsync(Limit);
    }

    [Fact]
    public async Task A_compaction_wakes_the_tail_although_the_head_stays_where_it_was()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await fixture.AppendAsync(LogFixture.Puts(1, "a=1", "a=2"));
        Channel<long?> wakes = Channel.CreateUnbounded<long?>();
        using CancellationTokenSource stop = new();
        Task listening = new LogListener(fixture.Database, new RevisionLog(fixture.Database, "here"), NullLogger<LogListener>.Instance)
            .RunAsync(async head => await wakes.Writer.WriteAsync(head), stop.Token);
        await UntilAsync(wakes.Reader, null);

        await fixture.QueryAsync<string>("select outcome from pgetcd.compact(3)");
        await UntilAsync(wakes.Reader, long.MaxValue);

        await stop.CancelAsync();
        await listening.WaitAsync(Limit);
    }

    /// <summary>Fault A2: an error that was not recognised as transient ended the listening for good, without a message.</summary>
    [Fact]
    public async Task Listening_continues_whatever_fails_when_the_tail_is_woken()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        Channel<long?> wakes = Channel.CreateUnbounded<long?>();
        using CancellationTokenSource stop = new();
        int calls = 0;
        Task listening = new LogListener(fixture.Database, new RevisionLog(fixture.Database, "here"), NullLogger<LogListener>.Instance)
            .RunAsync(
                async head => await (++calls < 4 ? throw new InvalidOperationException("Not now.") : wakes.Writer.WriteAsync(head)),
                stop.Token);

        // The first comes before it listens again, the others from the timer.
        for (int i = 0; i < 3; i++)
        {
            (await wakes.Reader.ReadAsync().AsTask().WaitAsync(Limit)).ShouldBeNull();
        }

        await fixture.AppendAsync(LogFixture.Puts(1, "a=1"));
        await UntilAsync(wakes.Reader, 2);
        await stop.CancelAsync();
        await listening.WaitAsync(Limit);
    }

    private static async Task UntilAsync(ChannelReader<long?> wakes, long? head)
    {
        while (await wakes.ReadAsync().AsTask().WaitAsync(Limit) != head)
        {
        }
    }
}
