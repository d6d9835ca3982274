using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>Cuts off a session that holds the append lock and does not commit, so that all writes of the cluster wait for it: one that
/// changes keys from SQL, after the limit (docs/decisions/0016), and any other. A job of the leader.</summary>
/// <param name="table">The sessions.</param>
/// <param name="timeLimit">How long one may hold the lock while others wait; more than zero.</param>
/// <param name="clock">Measures it: PostgreSQL does not tell since when a lock is held.</param>
/// <param name="logger">Where to log.</param>
public sealed class AppendLockGuard(AppendLockTable table, TimeSpan timeLimit, TimeProvider clock, ILogger<AppendLockGuard> logger)
{
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromSeconds(1);

    /// <summary>How long a cancelled session gets to let go before it is ended.</summary>
    private static readonly TimeSpan CancelLimit = TimeSpan.FromSeconds(1);

    /// <summary>How long a session may hold the lock at least that is not known to change keys from SQL. A frontend gives up its append
    /// after five seconds, and is ended if it idles under the lock for two.</summary>
    private static readonly TimeSpan OthersLimit = TimeSpan.FromSeconds(10);

    private LockHolder? _seen;
    private long _since;
    private long? _cancelled;
    private bool _refused;

    /// <summary>How often to look: a session is cut off at the limit or so much later.</summary>
    public TimeSpan Period => timeLimit / 4 < LongestPeriod ? timeLimit / 4 : LongestPeriod;

    /// <summary>Looks once.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        LockHolder? holder = await table.HolderAsync(cancellationToken);
        if (holder is null && _seen?.Began is not null)
        {
            return; // a writer that waited has given up; the transaction may be the same when the next one comes
        }

        if (holder is null || holder.Pid != _seen?.Pid || holder.Since != _seen.Since || holder.Began != _seen.Began)
        {
            _since = clock.GetTimestamp();
            _cancelled = null;
            _refused = false;
        }

        _seen = holder;
        TimeSpan held = clock.GetElapsedTime(_since);

        // A commit that waits for a standby is done on this side: to cancel it would only hide that.
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
            _refused = true; // said once for each session
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

    /// <summary>A frontend holds the lock again and again. Where its transactions cannot be seen, it could look like one that
    /// lasts.</summary>
    private static bool IsLikelyFrontend(LockHolder holder, TimeSpan held) =>
        !holder.IsWriter && (holder.Began is null || held < OthersLimit);

    private static string Who(LockHolder holder) =>
        $"role {holder.Username ?? "unknown"}, application {(holder.Application is { Length: > 0 } name ? name : "unknown")}, "
        + $"from {holder.Client ?? "here or unknown"}";
}
