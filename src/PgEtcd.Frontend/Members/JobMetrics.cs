using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Frontend.Members;

/// <summary>The metrics of membership and of the leader's jobs. The peer in etcd's names is PostgreSQL, where the frontends meet.</summary>
internal static class JobMetrics
{
    private const string To = "postgresql";

    public static readonly Histogram<double> BeatSeconds = FrontendMeter.Meter.Histogram(
        "etcd_network_peer_round_trip_time_seconds", 0.0001, 16,
        "Round-Trip-Time histogram between peers: of this frontend's heartbeat to PostgreSQL.",
        new KeyValuePair<string, object?>("To", To));

    public static readonly Counter<long> FailedSends = FrontendMeter.Meter.Counter(
        "etcd_network_peer_sent_failures_total",
        "The total number of send failures from peers: of this frontend's heartbeats to PostgreSQL.",
        new KeyValuePair<string, object?>("To", To));

    public static readonly Counter<long> FailedBeats = FrontendMeter.Meter.Counter(
        "etcd_server_heartbeat_send_failures_total", "The total number of heartbeats to PostgreSQL that failed.");

    public static readonly Counter<long> LeaderChanges = FrontendMeter.Meter.Counter(
        "etcd_server_leader_changes_seen_total", "The number of leader changes seen.");

    public static readonly Counter<long> FailedJobs = FrontendMeter.Meter.Counter(
        "pgetcd_job_failures_total", "Runs of a leader's job that failed; each is tried again.");
}
