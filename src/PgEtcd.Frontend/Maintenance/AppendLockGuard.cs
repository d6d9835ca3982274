using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>Cuts off a session that holds the append lock without committing, so that all writes of the cluster wait: a session that
/// changes keys from SQL after the limit (docs/decisions/0016), any other after ten seconds or more. A job of the leader.</summary>
/// <param name="table">The sessions.</param>
/// <param name="timeLimit">How long a session may hold the lock while others wait; more than zero.</param>
/// <param name="clock">Measures that time: PostgreSQL does not show since when a lock is held.</param>
/// <param name="logger">Where to log.</param>
public sealed class AppendLockGuard(AppendLockTable table, TimeSpan timeLimit, TimeProvider clock, ILogger<AppendLockGuard> logger)
{
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromSeconds(1);

    /// <summary>Time for a cancelled session to release the lock before it is ended.</summary>
    private static readonly TimeSpan CancelLimit = TimeSpan.FromSeconds(1);

    /// <summary>Shortest limit for a session that is not known to change keys from SQL. The append of a frontend times out after five
    /// seconds, and its session is ended if it idles under the lock for two.</summary>
    private static readonly TimeSpan OthersLimit = TimeSpan.FromSeconds(10);

    private LockHolder? _seen;
    private long _since;
    private long? _cancelled;
    private bool _refused;

    /// <summary>Interval of checks: a session is cut off at most this long after the limit.</summary>
    public TimeSpan Period => timeLimit / 4 < LongestPeriod ? timeLimit / 4 : LongestPeriod;

    /// <summary>Checks once.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        LockHolder? holder = await table.HolderAsync(cancellationToken);
        if (holder is null && _seen?.Began is not null)
        {
            return; // the waiting writer has given up; the same transaction may hold the lock when the next one comes
        }

        if (holder is null || holder.Pid != _seen?.Pid || holder.Since != _seen.Since || holder.Began != _seen.Began)
        {
            _since = clock.GetTimestamp();
            _cancelled = null;
            _refused = false;
        }

        _seen = holder;
        TimeSpan held = clock.GetElapsedTime(_since);

        // A commit that waits for a standby has already happened on this server: cancelling it would only hide that.
        if (holder is null || held < timeLimit || IsLikelyFrontend(holder, held) || _refused || holder.WaitEvent == "SyncRep")
        {
            return;
        }

        try
        {
            await CutOffAsync(holder, held, cancellationToken);
        }
        catch (LockHolderException exception)
        {
            _refused = true; // logged once per transaction
            Log.LockHolderStays(logger, holder.Pid, Who(holder), held.TotalSeconds, exception.Message);
        }
    }

    private async Task CutOffAsync(LockHolder holder, TimeSpan held, CancellationToken cancellationToken)
    {
        bool isIdle = holder.State?.StartsWith("idle in transaction", StringComparison.Ordinal) == true;
        if (!isIdle && _cancelled is null)
        {
            if (await table.CancelAsync(holder, cancellationToken))
            {
                Log.LockHolderCancelled(logger, holder.Pid, Who(holder), held.TotalSeconds);
            }

            _cancelled = clock.GetTimestamp();
        }
        else if ((isIdle || clock.GetElapsedTime(_cancelled!.Value) >= CancelLimit)
            && await table.TerminateAsync(holder, cancellationToken))
        {
            Log.LockHolderEnded(logger, holder.Pid, Who(holder), held.TotalSeconds);
        }
    }

    /// <summary>A frontend takes the lock repeatedly. If the start of its transactions is not visible, they could look like one.</summary>
    private static bool IsLikelyFrontend(LockHolder holder, TimeSpan held) =>
        !holder.IsWriter && (holder.Began is null || held < OthersLimit);

    private static string Who(LockHolder holder) =>
        $"role {holder.Username ?? "unknown"}, application {(holder.Application is { Length: > 0 } name ? name : "unknown")}, "
        + $"from {holder.Client ?? "here or unknown"}";
}
