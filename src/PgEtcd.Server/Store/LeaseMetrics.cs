using System.Diagnostics.Metrics;
using static PgEtcd.Server.Metrics.ServerMeter;

namespace PgEtcd.Server.Store;

/// <summary>Every metric of the leases.</summary>
internal static class LeaseMetrics
{
    public static readonly Counter<long> Granted = Counter("etcd_debugging_lease_granted_total", "The total number of granted leases.");

    public static readonly Counter<long> Renewed = Counter("etcd_debugging_lease_renewed_total", "The number of renewed leases seen by this member.");

    public static readonly Counter<long> Revoked = Counter("etcd_debugging_lease_revoked_total", "The total number of revoked leases.");

    public static readonly Counter<long> Expired = Counter("etcd_debugging_server_lease_expired_total", "The total number of expired leases.");

    public static readonly Histogram<double> Ttl = Histogram(
        "etcd_debugging_lease_ttl_total", 1, 24, "Bucketed histogram of lease TTLs.");

    public static readonly Histogram<double> RenewalBatch = Histogram(
        "pgetcd_lease_renewal_batch_leases", 1, 17, "How many leases one statement renewed.");
}
