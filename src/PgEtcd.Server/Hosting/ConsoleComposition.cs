using PgEtcd.Api.Calls;
using PgEtcd.Console;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Metrics;

namespace PgEtcd.Server.Hosting;

/// <summary>Composes the parts of a frontend that the console shows.</summary>
internal static class ConsoleComposition
{
    /// <summary>The console's parts of a frontend.</summary>
    public static ConsoleParts Of(RunningFrontend frontend, MetricsRegistry metrics, IServiceProvider services) => new()
    {
        Database = frontend.Database,
        Reader = frontend.Reader,
        Writer = frontend.Writer,
        Users = frontend.Auth.States,
        Tail = frontend.Tail,
        Auth = frontend.Auth,
        Quota = frontend.Quota,
        Alarms = frontend.Alarms,
        Run = frontend.Membership.Run,
        Peer = RequestMetadata.Peer,
        Counters = () =>
        {
            (double seconds, double commits) = metrics.Total("etcd_disk_backend_commit_duration_seconds");
            return new CounterReading(
                metrics.Total("etcd_mvcc_put_total").Sum, metrics.Total("etcd_mvcc_delete_total").Sum,
                metrics.Total("etcd_mvcc_range_total").Sum,
                frontend.Watches.Count().EventsSent, seconds, commits);
        },
        Stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping,
        Loggers = services.GetRequiredService<ILoggerFactory>(),
    };
}
