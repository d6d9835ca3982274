using PgEtcd.Postgres;

namespace PgEtcd.Server.Metrics;

/// <summary>Asks the database from time to time how big the store is, so that who reads metrics need not wait for it.</summary>
public sealed class UsageSampler(StoreUsageReader reader)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private volatile StoreUsage? _latest;

    /// <summary>What it said last; null until it has answered.</summary>
    public StoreUsage? Latest => _latest;

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                _latest = await reader.ReadAsync(cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                DatabaseMetrics.Failed(exception); // those who need the database say that it is away
            }

            await Task.Delay(Period, cancellationToken);
        }
    }
}
