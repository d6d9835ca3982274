using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Compaction;

/// <summary>Compacts by a plan. Every frontend records revisions, so that the next leader knows them; only the leader compacts.</summary>
/// <param name="plan">When to compact, and at which revision.</param>
/// <param name="revision">Gives the store's revision.</param>
/// <param name="compact">Compacts at a revision.</param>
/// <param name="isLeader">Whether this frontend leads.</param>
/// <param name="clock">Measures the intervals.</param>
/// <param name="logger">Where to log.</param>
internal sealed class AutoCompaction(
    ICompactionPlan plan,
    Func<long> revision,
    Func<long, Task<EtcdError?>> compact,
    Func<bool> isLeader,
    TimeProvider clock,
    ILogger<AutoCompaction> logger)
{
    /// <summary>Runs until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        long started = clock.GetTimestamp();
        plan.Observe(revision());
        return new BackgroundLoop("auto-compaction", clock, logger).RunAsync(plan.Interval, LookAsync, cancellationToken);

        async Task LookAsync(CancellationToken stopping)
        {
            if (isLeader() && plan.Due(clock.GetElapsedTime(started), revision()) is { } target && await CompactAsync(target))
            {
                plan.Done(clock.GetElapsedTime(started), target);
            }

            plan.Observe(revision());
        }
    }

    private async Task<bool> CompactAsync(long target)
    {
        try
        {
            EtcdError? error = await compact(target);
            if (error is null)
            {
                Log.AutoCompacted(logger, target);
            }

            // A revision that is compacted already counts as a success.
            return error is null || error == EtcdErrors.Compacted;
        }
        catch (Exception exception)
        {
            // Whatever the failure was, the next interval tries again (kine#414).
            Log.AutoCompactionFailed(logger, target, exception.GetBaseException().Message);
            return false;
        }
    }
}
