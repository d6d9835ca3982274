using System.Diagnostics.Metrics;
using System.Globalization;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Protocol;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Metrics;

/// <summary>The gauges that are read off a frontend whenever its metrics are read. They have etcd's names where they have etcd's
/// meaning.</summary>
internal sealed class ServerGauges : IDisposable
{
    private readonly Meter _meter = new("PgEtcd.Server.State");
    private readonly RunningFrontend _frontend;

    /// <param name="frontend">The frontend.</param>
    /// <param name="options">Its flags.</param>
    public ServerGauges(RunningFrontend frontend, ServerOptions options)
    {
        _frontend = frontend;
        AddIdentity(options);
        AddLog();
        AddWatches();
        AddUsage();
        _meter.CreateObservableGauge(
            "etcd_debugging_server_alarms",
            // They are shown as this member's, since the member that raised one is unknown here.
            () => frontend.Alarms.Raised.Names().Select(name => new Measurement<long>(1, [OwnId, new("alarm_type", name)])),
            null,
            "Alarms for every member in cluster. 1 for 'server_id' label with current ID. "
            + "2 for 'alarm_type' label with type of this alarm");
    }

    private KeySpace State => _frontend.Reader.Current;

    private KeyValuePair<string, object?> OwnId =>
        new("server_id", _frontend.Membership.Self.Id.ToString("x", CultureInfo.InvariantCulture));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void AddIdentity(ServerOptions options)
    {
        Gauge("etcd_server_has_leader",
            "Whether or not a leader exists. 1 is existence, 0 is not: the database answers and one frontend runs the jobs.",
            () => _frontend.Membership.HasLeader ? 1 : 0);
        Gauge(
            "etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.",
            () => _frontend.Leader.IsLeader ? 1 : 0);
        Gauge("etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.", () => 0);
        Info("etcd_server_id", "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
            () => [OwnId]);
        Info("etcd_server_version", "Which version is running. 1 for 'server_version' label with current version.",
            () => [new("server_version", ReleaseInfo.EtcdVersion)]);
        Info("etcd_cluster_version", "Which version is running. 1 for 'cluster_version' label with current cluster version",
            () => [new("cluster_version", ReleaseInfo.ClusterVersion)]);
        Info("pgetcd_build_info", "What is running here.",
            () => [
                new("version", ReleaseInfo.PgEtcdVersion), new("dotnet", Environment.Version.ToString()), new("name", options.Name),
                new("schema", options.Schema)]);
        Gauge("pgetcd_members", "Frontends that were alive at the last heartbeat.", () => _frontend.Membership.Current.Count);
    }

    private void AddLog()
    {
        Gauge("etcd_debugging_mvcc_current_revision", "The current revision of store.", () => State.Revision);
        Gauge("etcd_debugging_mvcc_compact_revision", "The revision of the last compaction in store.", () => State.CompactRevision);
        Gauge("etcd_debugging_mvcc_keys_total", "Total number of keys.", () => State.Keys.Count);
        Gauge("etcd_debugging_auth_revision", "The current revision of auth store.", () => _frontend.Replica.State.AuthRevision);
        Gauge("etcd_server_proposals_committed_total",
            "The total number of consensus proposals committed: the last revision known to be in the log.",
            () => Math.Max(State.Revision, _frontend.Tail.Seen));
        Gauge("etcd_server_proposals_applied_total",
            "The total number of consensus proposals applied: the revision of this frontend's state.",
            () => State.Revision);
        Gauge("etcd_server_proposals_pending", "The current number of pending proposals to commit: of writes that are not answered.",
            () => _frontend.Committer.Pending);
        Gauge("pgetcd_apply_lag_revisions", "Revisions known to be in the log and not in this frontend's state yet.",
            () => _frontend.Tail.Behind);
    }

    private void AddWatches()
    {
        Gauge("etcd_debugging_mvcc_watch_stream_total", "Total number of watch streams.", () => _frontend.Watches.Count().Streams);
        Gauge(
            "etcd_debugging_mvcc_watcher_total", "Total number of watchers.",
            () => _frontend.Watches.Count() is var watches ? watches.Synced + watches.Behind : 0);
        Gauge("etcd_debugging_mvcc_slow_watcher_total", "Total number of unsynced slow watchers.", () => _frontend.Watches.Count().Behind);
        Gauge("etcd_debugging_mvcc_pending_events_total", "Total number of pending events to be sent: of watch responses that wait.",
            () => _frontend.Watches.Count().Waiting);
        Gauge("pgetcd_watch_lag_revisions", "How far the slowest watch is behind.", () => _frontend.Watches.Count().Lag);
        _meter.CreateObservableCounter(
            "etcd_debugging_mvcc_events_total", () =>
                _frontend.Watches.Count().EventsSent, null, "Total number of events sent by this member.");
    }

    private void AddUsage()
    {
        Gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes. +Inf: none.",
            () => _frontend.Quota.Limit is > 0 and var quota ? quota : double.PositiveInfinity);
        Sampled("etcd_mvcc_db_total_size_in_bytes",
            "Total size of the underlying database physically allocated in bytes: this cluster's tables and indexes in PostgreSQL.",
            report => report.Total);
        Sampled("etcd_mvcc_db_total_size_in_use_in_bytes",
            "Total size of the underlying database logically in use in bytes: without the space of dead rows.",
            report => report.InUse);
        Sampled("pgetcd_removal_lag_revisions", "Revisions that are compacted and whose superseded rows are not removed yet.",
            report => Math.Max(0, report.CompactRevision - Math.Max(0, report.AttendedRevision)));
        Gauge("etcd_debugging_mvcc_db_compaction_last",
            "The unix time of the last db compaction: of the last removal of rows by this frontend. Resets to 0 on start.",
            () => _frontend.Removal.LastRemoved);
    }

    private void Gauge(string name, string help, Func<double> value) => _meter.CreateObservableGauge(name, value, null, help);

    private void Sampled(string name, string help, Func<StorageReport, double> value) => _meter.CreateObservableGauge(
        name, () => _frontend.Sizes.Latest is { } report
            ? [new Measurement<double>(value(report))]
            : Array.Empty<Measurement<double>>(), null, help);

    private void Info(string name, string help, Func<KeyValuePair<string, object?>[]> labels) =>
        _meter.CreateObservableGauge(name, () => new Measurement<double>(1, labels()), null, help);
}
