using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>The metrics of operators' requests. As in etcd, only successful ones are measured.</summary>
internal static class MaintenanceMetrics
{
    public static readonly Histogram<double> HashSeconds = FrontendMeter.Meter.Histogram(
        "etcd_mvcc_hash_duration_seconds", 0.01, 15, "The latency distribution of storage hash operation.");

    public static readonly Histogram<double> HashKeysSeconds = FrontendMeter.Meter.Histogram(
        "etcd_mvcc_hash_rev_duration_seconds", 0.01, 15, "The latency distribution of storage hash by revision operation.");

    public static readonly Histogram<double> DefragmentSeconds = FrontendMeter.Meter.Histogram(
        "etcd_disk_backend_defrag_duration_seconds", 0.1, 13,
        "The latency distribution of backend defragmentation: of vacuuming our tables.");

    public static readonly UpDownCounter<long> Defragmenting = FrontendMeter.Meter.UpDown(
        "etcd_disk_defrag_inflight", "Whether or not defrag is active on the member. 1 means active, 0 means not.");

    public static readonly Histogram<double> SnapshotSeconds = FrontendMeter.Meter.Histogram(
        "etcd_disk_backend_snapshot_duration_seconds", 0.01, 17, "The latency distribution of backend snapshots.");
}
