using Grpc.Core;
using PgEtcd.BlackBox.Tests.Watching;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>The metrics follow the events.</summary>
public sealed class MetricValuesTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Requests_are_counted_by_method_and_outcome_and_operations_by_kind()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        using HttpProbe http = new(server.ClientUrl);
        await using Kv kv = new(server);
        PrometheusPage before = await http.MetricsAsync();
        for (int i = 0; i < 7; i++)
        {
            await kv.PutAsync($"key{i}", "0123456789");
        }

        await kv.DeleteAsync("key0");
        await kv.SendAsync(Kv.Range("key1"));
        await kv.SendAsync(Kv.Range("key1", revision: 2));
        await kv.SendAsync(Kv.Txn(Kv.Op(Kv.Put("key7", "1")), Kv.Op(Kv.Put("key8", "1")), Kv.Op(Kv.Range("key7"))));
        await kv.SendAsync(Kv.Txn(Kv.Op(Kv.Range("key7"))));
        await Should.ThrowAsync<RpcException>(() => kv.PutAsync(""));
        await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Kv.Range("key1", revision: 999)));

        PrometheusPage after = await http.SettledMetricsAsync();
        Handled("Put", "OK").ShouldBe(7);
        Handled("Put", "InvalidArgument").ShouldBe(1);
        Handled("Range", "OK").ShouldBe(2);
        Handled("Range", "OutOfRange").ShouldBe(1);
        Handled("Txn", "OK").ShouldBe(2);
        Handled("DeleteRange", "OK").ShouldBe(1);
        Of("grpc_server_started_total", Method("Put")).ShouldBe(8);
        Of("grpc_server_msg_received_total", Method("Put")).ShouldBe(8);
        Of("grpc_server_msg_sent_total", Method("Put")).ShouldBe(7);
        after.Has("grpc_server_handled_total", [.. Method("Put"), "grpc_code=\"Unavailable\""]).ShouldBeTrue(
            "a rate needs a 0 to begin at");
        Of("etcd_network_client_grpc_received_bytes_total").ShouldBeInRange(7 * 18, 1000);
        Of("etcd_network_client_grpc_sent_bytes_total").ShouldBeInRange(7 * 20, 2000);

        Of("etcd_mvcc_put_total").ShouldBe(9);
        Of("etcd_mvcc_delete_total").ShouldBe(1);
        Of("etcd_mvcc_txn_total").ShouldBe(1, "a transaction of one operation is that operation");
        Of("etcd_mvcc_range_total").ShouldBe(5, "with the refused one");
        Of("etcd_debugging_mvcc_total_put_size_in_bytes").ShouldBe((7 * 14) + (2 * 5));
        Of("etcd_debugging_mvcc_current_revision").ShouldBe(9);
        Of("etcd_server_proposals_applied_total").ShouldBe(9);
        after["etcd_debugging_mvcc_keys_total"].ShouldBe(8);
        after["etcd_server_proposals_pending"].ShouldBe(0);
        Of("etcd_disk_wal_write_bytes_total").ShouldBe((7 * 14) + (2 * 5) + 4);
        Of("pgetcd_append_rows_total").ShouldBe(10);
        foreach (string histogram in (string[])
            [
                "etcd_disk_wal_fsync_duration_seconds", "etcd_disk_backend_commit_duration_seconds", "pgetcd_append_duration_seconds",
            ])
        {
            Of(histogram + "_count").ShouldBe(9, histogram);
            Of(histogram + "_sum").ShouldBeInRange(0.0005, 20, histogram);
        }

        Of("pgetcd_append_batch_writes_count").ShouldBe(9);
        Of("pgetcd_append_batch_writes_sum").ShouldBe(9);
        Of("pgetcd_read_barrier_duration_seconds_count").ShouldBeGreaterThanOrEqualTo(4);

        double Of(string name, params string[] labels) => after[name, labels] - before[name, labels];
        double Handled(string method, string code) => Of("grpc_server_handled_total", [.. Method(method), $"grpc_code=\"{code}\""]);
        static string[] Method(string name) => [$"grpc_method=\"{name}\"", "grpc_service=\"etcdserverpb.KV\"", "grpc_type=\"unary\""];
    }

    [Fact]
    public async Task Watches_are_counted_while_they_exist_and_events_when_they_are_sent()
    {
        await using WatchedServer server = await WatchedServer.StartAsync(postgres);
        using HttpProbe http = new(server.Server.ClientUrl);
        string[] watch = ["grpc_method=\"Watch\"", "grpc_service=\"etcdserverpb.Watch\"", "grpc_type=\"bidi_stream\""];
        await using (WatchCall call = server.Open())
        {
            await WatchedServer.CreateAsync(call, WatchCall.All(start: 1), WatchCall.Key("a", start: 1), WatchCall.Key("b", start: 1));
            await server.Kv.PutAsync("a");
            await Eventually.TrueAsync(
                async () => (await http.MetricsAsync())["etcd_debugging_mvcc_events_total"] == 2, Limit, "two watches got it");
            PrometheusPage during = await http.MetricsAsync();
            during["etcd_debugging_mvcc_watcher_total"].ShouldBe(3);
            during["etcd_debugging_mvcc_watch_stream_total"].ShouldBe(1);
            during["etcd_debugging_mvcc_slow_watcher_total"].ShouldBe(0);
            during["pgetcd_watch_lag_revisions"].ShouldBe(0);
            double handled = during["grpc_server_handled_total", [.. watch, "grpc_code=\"Canceled\""]];
            (during["grpc_server_started_total", watch] - handled).ShouldBe(1);
        }

        await Eventually.TrueAsync(
            async () => await http.MetricsAsync() is var after && after["etcd_debugging_mvcc_watcher_total"] == 0
                && after["etcd_debugging_mvcc_watch_stream_total"] == 0
                && watch.Length > 0
                    && after.Samples.Where(sample => sample.Key.StartsWith("grpc_server_handled_total{", StringComparison.Ordinal)
                    && sample.Key.Contains("\"Watch\"", StringComparison.Ordinal)
                    && sample.Key.Contains("etcdserverpb.Watch", StringComparison.Ordinal)).Sum(sample => sample.Value) == 1,
            Limit,
            "the stream is over");
    }

    [Fact]
    public async Task A_watch_whose_client_does_not_read_is_counted_as_slow()
    {
        await using WatchedServer server = await WatchedServer.StartAsync(postgres);
        using HttpProbe http = new(server.Server.ClientUrl);
        await using WatchCall call = server.Open();
        await WatchedServer.CreateAsync(call, WatchCall.All(start: 1));
        await server.FillAsync("big", count: 2000, valueBytes: 10_000);
        await Eventually.TrueAsync(
            async () => (await http.MetricsAsync())["etcd_debugging_mvcc_slow_watcher_total"] == 1, Limit, "it is behind");
        PrometheusPage page = await http.MetricsAsync();
        page["pgetcd_watch_lag_revisions"].ShouldBeGreaterThan(0);
        page["etcd_debugging_mvcc_watcher_total"].ShouldBe(1);
    }

    [Fact]
    public async Task Leases_and_compactions_are_counted()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        using HttpProbe http = new(server.ClientUrl);
        await using Kv kv = new(server);
        await kv.Channel.GrantAsync(ttl: 2);
        long kept = await kv.Channel.GrantAsync(ttl: 500);
        await using (GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> keepAlive = kv.Channel.KeepAlive())
        {
            await keepAlive.AskAsync(kept);
            await keepAlive.AskAsync(kept);
        }

        await kv.Channel.RevokeAsync(kept);
        PrometheusPage page = await http.SettledMetricsAsync();
        page["etcd_debugging_lease_granted_total"].ShouldBe(2);
        page["etcd_debugging_lease_ttl_total_sum"].ShouldBe(502);
        page["etcd_debugging_lease_renewed_total"].ShouldBe(2);
        page["pgetcd_lease_renewal_batch_leases_sum"].ShouldBe(2);
        await Eventually.TrueAsync(
            async () => (await http.MetricsAsync())["etcd_debugging_server_lease_expired_total"] == 1, Limit,
            "the short lease has expired");
        await Eventually.TrueAsync(
            async () => (await http.MetricsAsync())["etcd_debugging_lease_revoked_total"] == 2, "it counts as revoked too");

        for (int i = 0; i < 5; i++)
        {
            await kv.PutAsync("a");
        }

        await kv.CompactAsync(5);
        PrometheusPage compacted = await http.MetricsAsync();
        compacted["etcd_debugging_mvcc_compact_revision"].ShouldBe(5);
        await Eventually.TrueAsync(
            async () => (await http.MetricsAsync())["etcd_debugging_mvcc_db_compaction_keys_total"] == 3, "three rows are removed");
        PrometheusPage removed = await http.MetricsAsync();
        removed["etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_count"].ShouldBeGreaterThan(0);
        removed["etcd_debugging_mvcc_db_compaction_last"].ShouldBe(DateTimeOffset.UtcNow.ToUnixTimeSeconds(), tolerance: 60);
    }

    [Fact]
    public async Task The_metrics_of_frontends_count_each_other()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer one = await PgEtcdServer.StartAsync(database, name: "one");
        await using PgEtcdServer two = await PgEtcdServer.StartAsync(database, name: "two");
        using HttpProbe http1 = new(one.ClientUrl);
        using HttpProbe http2 = new(two.ClientUrl);
        await Eventually.TrueAsync(
            async () => (await http1.MetricsAsync())["pgetcd_members"] == 2 && (await http2.MetricsAsync())["pgetcd_members"] == 2, Limit,
            "both know of both");
        await using Kv kv1 = new(one);
        await using Kv kv2 = new(two);
        long last = 0;
        for (int i = 0; i < 20; i++)
        {
            last = await kv1.PutAsync("a");
        }

        await Eventually.TrueAsync(
            async () => (await http2.MetricsAsync())["etcd_server_proposals_applied_total"] == last, Limit, "the other has it");
        PrometheusPage second = await http2.MetricsAsync();
        second["pgetcd_tail_rows_total"].ShouldBeGreaterThanOrEqualTo(20);
        second["pgetcd_tail_wakeups_total", "cause=\"notify\""].ShouldBeGreaterThan(0);
        second["pgetcd_apply_lag_seconds_count"].ShouldBeGreaterThan(0);
        second["pgetcd_apply_lag_revisions"].ShouldBe(0);
        second["etcd_server_has_leader"].ShouldBe(1);
        ((await http1.MetricsAsync())["etcd_server_is_leader"] + second["etcd_server_is_leader"]).ShouldBe(1);
        await Eventually.TrueAsync(
            async () => (await http2.MetricsAsync())["pgetcd_tail_wakeups_total", "cause=\"poll\""] > 0, Limit, "the clock wakes it");

        await Eventually.TrueAsync(
            async () =>
            {
                await Task.WhenAll(Enumerable.Range(0, 50).Select(i => (i % 2 == 0 ? kv1 : kv2).PutAsync("b")));
                return (await http1.MetricsAsync())["pgetcd_append_conflicts_total"] + (await http2.MetricsAsync())[
                    "pgetcd_append_conflicts_total"] > 0;
            },
            Limit,
            "two that write at once conflict");
    }
}
