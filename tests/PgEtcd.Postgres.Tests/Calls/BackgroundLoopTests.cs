using System.Diagnostics;
using Microsoft.Extensions.Logging;
using PgEtcd.Postgres.Calls;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Calls;

/// <summary>Fault A2: loops ended without a message.</summary>
public sealed class BackgroundLoopTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly List<string> _warnings = [];

    [Fact]
    public async Task It_survives_every_exception_and_warns_with_growing_pauses()
    {
        List<long> turns = [];
        using CancellationTokenSource stop = new();
        Task loop = Start(
            _ =>
            {
                turns.Add(Stopwatch.GetTimestamp());
                return turns.Count <= 4 ? throw new InvalidOperationException($"no {turns.Count}") : Task.CompletedTask;
            },
            stop.Token);

        await Eventually.TrueAsync(() => turns.Count > 6, Limit, "it goes on");
        await stop.CancelAsync();
        await loop.WaitAsync(Limit);

        _warnings.Count.ShouldBe(4);
        _warnings[0].ShouldBe("In the background: testing failed and will be tried again in 0.1 s: no 1");
        _warnings[3].ShouldBe("In the background: testing failed and will be tried again in 0.8 s: no 4");
        Stopwatch.GetElapsedTime(turns[3], turns[4]).TotalSeconds.ShouldBeGreaterThan(0.75);
    }

    [Fact]
    public async Task A_foreign_cancellation_does_not_end_it()
    {
        int turns = 0;
        using CancellationTokenSource stop = new();
        Task loop = Start(_ => ++turns < 3 ? throw new OperationCanceledException() : Task.CompletedTask, stop.Token);

        await Eventually.TrueAsync(() => turns > 3, Limit, "it goes on");
        await stop.CancelAsync();
        await loop.WaitAsync(Limit);
        _warnings.ShouldBeEmpty();
    }

    private Task Start(Func<CancellationToken, Task> turn, CancellationToken stopping) =>
        new BackgroundLoop("testing", TimeProvider.System, new Warnings(_warnings)).RunAsync(TimeSpan.FromMilliseconds(1), turn, stopping);

    private sealed class Warnings(List<string> all) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            all.Add(formatter(state, exception));
    }
}
