using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Frontend.Leases;

/// <summary>The metrics of leases.</summary>
internal static class LeaseMetrics
{
    public static readonly Counter<long> Granted = FrontendMeter.Meter.Counter(
        "etcd_debugging_lease_granted_total", "The total number of granted leases.");

    public static readonly Counter<long> Renewed = FrontendMeter.Meter.Counter(
        "etcd_debugging_lease_renewed_total", "The number of renewed leases seen by this member.");

    public static readonly Counter<long> Revoked = FrontendMeter.Meter.Counter(
        "etcd_debugging_lease_revoked_total", "The total number of revoked leases.");

    public static readonly Counter<long> Expired = FrontendMeter.Meter.Counter(
        "etcd_debugging_server_lease_expired_total", "The total number of expired leases.");

    public static readonly Histogram<double> Ttl = FrontendMeter.Meter.Histogram(
        "etcd_debugging_lease_ttl_total", 1, 24, "Bucketed histogram of lease TTLs.");

    public static readonly Histogram<double> RenewalBatch = FrontendMeter.Meter.Histogram(
        "pgetcd_lease_renewal_batch_leases", 1, 17, "How many leases one statement renewed.");
}
