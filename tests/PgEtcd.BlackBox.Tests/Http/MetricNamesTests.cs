using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>The names of the metrics.</summary>
public sealed class MetricNamesTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The metrics in the alerts that etcd ships.</summary>
    private static readonly string[] OfAlerts =
    [
        "etcd_server_has_leader", "etcd_server_leader_changes_seen_total", "etcd_server_proposals_failed_total",
        "etcd_network_peer_sent_failures_total", "etcd_network_peer_round_trip_time_seconds", "etcd_disk_wal_fsync_duration_seconds",
        "etcd_disk_backend_commit_duration_seconds", "etcd_mvcc_db_total_size_in_bytes", "etcd_mvcc_db_total_size_in_use_in_bytes",
        "etcd_server_quota_backend_bytes", "grpc_server_handled_total",
    ];

    /// <summary>The metrics in its dashboard besides, and in Kubernetes' tooling.</summary>
    private static readonly string[] OfDashboards =
    [
        "etcd_server_is_leader", "etcd_server_is_learner", "etcd_server_id", "etcd_server_version", "etcd_cluster_version",
        "etcd_server_proposals_committed_total", "etcd_server_proposals_applied_total", "etcd_server_proposals_pending",
        "etcd_server_heartbeat_send_failures_total", "etcd_server_slow_apply_total", "etcd_server_slow_read_indexes_total",
        "etcd_server_read_indexes_failed_total", "etcd_server_health_success", "etcd_server_health_failures",
        "etcd_server_healthcheck", "etcd_server_healthchecks_total",
        "etcd_mvcc_put_total", "etcd_mvcc_delete_total", "etcd_mvcc_range_total", "etcd_mvcc_txn_total",
        "etcd_debugging_mvcc_current_revision", "etcd_debugging_mvcc_compact_revision", "etcd_debugging_mvcc_keys_total",
        "etcd_debugging_mvcc_events_total", "etcd_debugging_mvcc_pending_events_total", "etcd_debugging_mvcc_watcher_total",
        "etcd_debugging_mvcc_watch_stream_total", "etcd_debugging_mvcc_slow_watcher_total",
        "etcd_debugging_mvcc_db_compaction_keys_total", "etcd_debugging_mvcc_db_compaction_last",
        "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds", "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
        "etcd_debugging_mvcc_total_put_size_in_bytes", "etcd_debugging_lease_granted_total", "etcd_debugging_lease_renewed_total",
        "etcd_debugging_lease_revoked_total", "etcd_debugging_lease_ttl_total", "etcd_debugging_server_lease_expired_total",
        "etcd_debugging_auth_revision", "etcd_disk_wal_write_bytes_total",
        "etcd_network_client_grpc_received_bytes_total", "etcd_network_client_grpc_sent_bytes_total",
        "grpc_server_started_total", "grpc_server_msg_received_total", "grpc_server_msg_sent_total",
        "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds",
        "process_start_time_seconds", "process_virtual_memory_max_bytes", "os_fd_used", "os_fd_limit",
        "etcd_server_apply_duration_seconds", "etcd_server_range_duration_seconds", "etcd_mvcc_hash_duration_seconds",
        "etcd_mvcc_hash_rev_duration_seconds", "etcd_disk_backend_defrag_duration_seconds", "etcd_disk_defrag_inflight",
        "etcd_disk_backend_snapshot_duration_seconds", "etcd_network_server_stream_failures_total",
    ];

    private static readonly string[] Ours =
    [
        "pgetcd_build_info", "pgetcd_members", "pgetcd_append_batch_writes", "pgetcd_append_duration_seconds",
        "pgetcd_append_conflicts_total",
        "pgetcd_append_locked_total", "pgetcd_append_moved_total", "pgetcd_append_rows_total",
        "pgetcd_apply_lag_seconds", "pgetcd_apply_lag_revisions",
        "pgetcd_tail_wakeups_total", "pgetcd_tail_rows_total", "pgetcd_read_barrier_duration_seconds", "pgetcd_state_loads_total",
        "pgetcd_watch_lag_revisions", "pgetcd_removal_lag_revisions", "pgetcd_database_pool_wait_seconds",
        "pgetcd_database_connections_opened_total", "pgetcd_database_server_changes_total", "pgetcd_database_retries_total",
        "pgetcd_listen_losses_total", "pgetcd_background_failures_total", "pgetcd_sql_errors_total", "pgetcd_lease_renewal_batch_leases",
        "pgetcd_job_failures_total",
        "dotnet_gc_collections_total", "dotnet_gc_heap_bytes", "dotnet_gc_pause_seconds_total", "dotnet_gc_allocated_bytes_total",
        "dotnet_threadpool_threads", "dotnet_threadpool_queue_length",
    ];

    [Fact]
    public async Task All_metrics_exist_from_the_start_with_plausible_values()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync(), name: "a \"name\"\\");
        using HttpProbe http = new(server.ClientUrl);
        (await http.GetAsync("/metrics")).ContentType.ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        await Eventually.TrueAsync(
            async () => (await http.MetricsAsync()).Has("etcd_mvcc_db_total_size_in_bytes"), Limit, "sizes are known");
        PrometheusPage page = await http.MetricsAsync();
        OfAlerts.Concat(OfDashboards).Concat(Ours).Except(page.Kinds.Keys).ShouldBeEmpty();
        page.Kinds.Keys.ShouldNotContain("grpc_server_handling_seconds", "only with --metrics=extensive");

        page["etcd_server_has_leader"].ShouldBe(1);
        page["etcd_server_is_leader"].ShouldBe(1);
        page["etcd_server_leader_changes_seen_total"].ShouldBe(1);
        page["etcd_server_quota_backend_bytes"].ShouldBe(double.PositiveInfinity, "no quota: neither of the two alerts on it may fire");
        page["etcd_mvcc_db_total_size_in_bytes"].ShouldBeInRange(50_000, 50_000_000);
        page["etcd_mvcc_db_total_size_in_use_in_bytes"].ShouldBeInRange(0, page["etcd_mvcc_db_total_size_in_bytes"]);
        page.Has(
            "pgetcd_build_info", "version=\"0.1.0\"", $"dotnet=\"{Environment.Version}\"", "name=\"a \\\"name\\\"\\\\\"",
            "schema=\"pgetcd\"").ShouldBeTrue();
        page["process_start_time_seconds"].ShouldBe(DateTimeOffset.UtcNow.ToUnixTimeSeconds(), tolerance: 60);
        page["process_resident_memory_bytes"].ShouldBeInRange(20e6, 2e9);
        page["process_cpu_seconds_total"].ShouldBeInRange(0.05, 60);
        page["process_open_fds"].ShouldBeInRange(20, 1000);
        page["process_max_fds"].ShouldBeGreaterThanOrEqualTo(page["process_open_fds"]);
        page["os_fd_limit"].ShouldBe(page["process_max_fds"]);
    }

    [Fact]
    public async Task Extensive_metrics_have_the_time_of_each_method()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--metrics", "extensive"]);
        await using Kv kv = new(server);
        for (int i = 0; i < 5; i++)
        {
            await kv.PutAsync("a");
        }

        using HttpProbe http = new(server.ClientUrl);
        PrometheusPage page = await http.MetricsAsync();
        page.Kinds["grpc_server_handling_seconds"].ShouldBe("histogram");
        string[] put = ["grpc_method=\"Put\"", "grpc_service=\"etcdserverpb.KV\"", "grpc_type=\"unary\""];
        page["grpc_server_handling_seconds_count", put].ShouldBe(5);
        page["grpc_server_handling_seconds_sum", put].ShouldBeInRange(0.0001, 20);
    }
}
