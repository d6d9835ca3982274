using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Frontend.Compaction;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Compaction;

/// <summary>The loop around the plans: the leader compacts, and failures are retried.</summary>
public sealed class AutoCompactionTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly List<long> _compacted = [];

    [Fact]
    public async Task A_frontend_that_does_not_lead_compacts_nothing()
    {
        bool leads = false;
        int looks = 0;
        using CancellationTokenSource stop = new();
        Task running = Start(() => { Interlocked.Increment(ref looks); return Volatile.Read(ref leads); }, _ => null, stop.Token);

        await Eventually.TrueAsync(() => Volatile.Read(ref looks) > 5, Limit, "it looks five times");
        _compacted.ShouldBeEmpty();
        Volatile.Write(ref leads, true);
        await Eventually.TrueAsync(() => _compacted.Count > 0, Limit, "it compacts when it leads");
        await StopAsync(stop, running);
    }

    [Fact]
    [Trait("issue", "kine#414")]
    public async Task A_failure_is_retried_and_already_compacted_counts_as_done()
    {
        using CancellationTokenSource stop = new();
        Task running = Start(
            () => true, attempt => attempt == 1 ? throw new StoreUnavailableException() : EtcdErrors.Compacted, stop.Token);

        await Eventually.TrueAsync(() => _compacted.Count == 2, Limit, "it tries again");
        await Task.Delay(50); // several intervals
        _compacted.ShouldBe([9, 9]);
        await StopAsync(stop, running);
    }

    private Task Start(Func<bool> isLeader, Func<int, EtcdError?> answer, CancellationToken stop) => new AutoCompaction(
        new PeriodicPlan(TimeSpan.FromMilliseconds(50)),
        () => 9,
        revision =>
        {
            _compacted.Add(revision);
            return Task.FromResult(answer(_compacted.Count));
        },
        isLeader,
        TimeProvider.System,
        NullLogger<AutoCompaction>.Instance).RunAsync(stop);

    private static async Task StopAsync(CancellationTokenSource stop, Task running)
    {
        await stop.CancelAsync();
        await running.WaitAsync(Limit);
    }
}
