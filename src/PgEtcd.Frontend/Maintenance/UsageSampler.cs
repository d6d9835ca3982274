using PgEtcd.Postgres.Calls;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>Has the store measured from time to time, so that readers of metrics need not wait for it.</summary>
public static class UsageSampler
{
    /// <summary>About as often as Prometheus commonly reads.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>Runs until cancelled.</summary>
    public static Task RunAsync(StorageSizes sizes, ILogger logger, CancellationToken cancellationToken) =>
        new BackgroundLoop("measuring the store", TimeProvider.System, logger).RunAsync(
            Period, _ => sizes.GetAsync(), cancellationToken, startsAtOnce: true);
}
