namespace PgEtcd.Frontend.Maintenance;

/// <summary>Has the store measured from time to time, so that readers of metrics need not wait for it.</summary>
public static class UsageSampler
{
    /// <summary>About as often as Prometheus commonly reads.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>Runs until cancelled.</summary>
    public static async Task RunAsync(StorageSizes sizes, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await sizes.GetAsync();
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                // The requests that need the database report that it is away.
            }

            await Task.Delay(Period, cancellationToken);
        }
    }
}
