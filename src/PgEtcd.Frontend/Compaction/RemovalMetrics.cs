using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Frontend.Compaction;

/// <summary>The metrics of removal. Only those of the leader change.</summary>
internal static class RemovalMetrics
{
    public static readonly Counter<long> Rows = FrontendMeter.Meter.Counter(
        "etcd_debugging_mvcc_db_compaction_keys_total", "Total number of db keys compacted: rows removed from the log.");

    public static readonly Histogram<double> TotalMilliseconds = FrontendMeter.Meter.Histogram(
        "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds", 100, 14, "Bucketed histogram of db compaction total duration.");

    public static readonly Histogram<double> BatchMilliseconds = FrontendMeter.Meter.Histogram(
        "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds", 1, 13,
        "Bucketed histogram of db compaction pause duration: of one transaction of removal.");
}
