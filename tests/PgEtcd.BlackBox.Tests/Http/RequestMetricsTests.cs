using Google.Protobuf;
using Grpc.Core;
using PgEtcd.BlackBox.Tests.Maintenance;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>Metrics of requests by client, duration and outcome.</summary>
public sealed class RequestMetricsTests(OneServer one) : IClassFixture<OneServer>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Requests_are_counted_by_the_version_of_their_client()
    {
        PrometheusPage before = await PageAsync();
        await RangeAsync("3.5.21");
        await RangeAsync("3.5.21");
        await RangeAsync("3.6.1");
        await RangeAsync(null);
        using (GrpcRawCall watch = one.Channel.DuplexRaw("etcdserverpb.Watch/Watch", Version("3.5.21")))
        {
            await watch.WriteAsync(new WatchRequest { CreateRequest = new() { Key = Kv.Bytes("a") } }.ToByteArray());
            (await watch.MoveNextAsync()).ShouldBeTrue();
        }

        PrometheusPage after = await PageAsync();
        Of("3.5.21", "unary").ShouldBe(2);
        Of("3.6.1", "unary").ShouldBe(1);
        Of("unknown", "unary").ShouldBe(1);
        Of("3.5.21", "stream").ShouldBe(1);

        // A client cannot fill the page with versions.
        for (int i = 0; i < 40; i++)
        {
            await RangeAsync($"9.{i}");
        }

        await RangeAsync(new string('9', 1000));
        PrometheusPage flooded = await PageAsync();
        flooded.Samples.Keys.Count(sample => sample.StartsWith("etcd_server_client_requests_total{", StringComparison.Ordinal))
            .ShouldBeLessThan(40);
        Sum(flooded).ShouldBe(Sum(after) + 41);
        flooded["etcd_server_client_requests_total", "client_api_version=\"other\"", "type=\"unary\""].ShouldBeGreaterThan(20);

        double Of(string version, string type) =>
            after["etcd_server_client_requests_total", $"client_api_version=\"{version}\"", $"type=\"{type}\""]
            - before["etcd_server_client_requests_total", $"client_api_version=\"{version}\"", $"type=\"{type}\""];
        static double Sum(PrometheusPage page) =>
            page.Samples.Where(sample => sample.Key.StartsWith("etcd_server_client_requests_total{", StringComparison.Ordinal))
                .Sum(sample => sample.Value);
    }

    [Fact]
    public async Task Reads_and_writes_are_measured_by_outcome()
    {
        await using Kv kv = new(one.Server);
        PrometheusPage before = await PageAsync();
        long first = await kv.PutAsync("a");
        await kv.PutAsync("a");
        await kv.SendAsync(Kv.Txn(Kv.Op(Kv.Put("b", "1"))));
        await kv.DeleteAsync("b");
        long last = await kv.DeleteAsync("absent");
        await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Kv.Put("a", lease: 99)));
        await kv.Channel.RevokeAsync(await kv.Channel.GrantAsync(60));
        await Should.ThrowAsync<RpcException>(() => kv.Channel.RevokeAsync(99));
        await kv.SendAsync(Kv.Range("a"));
        await kv.SendAsync(Kv.Range("a", first));
        await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Kv.Range("a", last + 100)));
        await kv.CompactAsync(last);
        await Should.ThrowAsync<RpcException>(() => kv.CompactAsync(last));
        await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Kv.Range("a", first)));

        PrometheusPage after = await PageAsync();
        Of("etcd_server_range_duration_seconds", "success=\"true\"").ShouldBe(2);
        Of("etcd_server_range_duration_seconds", "success=\"false\"").ShouldBe(2);
        Applied("Put", "true").ShouldBe(2);
        Applied("Put", "false").ShouldBe(1);
        Applied("Txn", "true").ShouldBe(1);
        Applied("DeleteRange", "true").ShouldBe(2);
        Applied("LeaseRevoke", "true").ShouldBe(1);
        Applied("LeaseRevoke", "false").ShouldBe(1);
        Applied("Compaction", "true").ShouldBe(1);
        Applied("Compaction", "false").ShouldBe(1);
        after["etcd_server_apply_duration_seconds_sum", Labels("Put", "true")].ShouldBeInRange(0.0001, 20);

        double Applied(string op, string success) => Of("etcd_server_apply_duration_seconds", Labels(op, success));
        double Of(string histogram, params string[] labels) => after[histogram + "_count", labels] - before[histogram + "_count", labels];
        static string[] Labels(string op, string success) => [$"op=\"{op}\"", $"success=\"{success}\"", "version=\"v3\""];
    }

    [Fact]
    public async Task Operations_of_operators_are_measured()
    {
        await using Kv kv = new(one.Server);
        PrometheusPage before = await PageAsync();
        await kv.DefragmentAsync();
        await kv.HashAsync();
        await kv.HashKVAsync();
        await Should.ThrowAsync<RpcException>(() => kv.HashKVAsync(revision: 1_000_000));
        await foreach (SnapshotResponse _ in kv.Channel.ServerStreamAsync<SnapshotRequest, SnapshotResponse>(
            "etcdserverpb.Maintenance/Snapshot", new()))
        {
        }

        PrometheusPage after = await PageAsync();
        foreach (string histogram in (string[])
            [
                "etcd_disk_backend_defrag_duration_seconds", "etcd_mvcc_hash_duration_seconds", "etcd_mvcc_hash_rev_duration_seconds",
                "etcd_disk_backend_snapshot_duration_seconds"])
        {
            (after[histogram + "_count"] - before[histogram + "_count"]).ShouldBe(1, histogram);
            (after[histogram + "_sum"] - before[histogram + "_sum"]).ShouldBeInRange(0.00001, 60, histogram);
        }

        after["etcd_disk_defrag_inflight"].ShouldBe(0);
    }

    [Theory]
    [InlineData("etcdserverpb.Watch/Watch", "watch")]
    [InlineData("etcdserverpb.Lease/LeaseKeepAlive", "lease-keepalive")]
    public async Task Broken_streams_are_counted_and_cancelled_ones_are_not(string method, string api)
    {
        string[] labels = [$"API=\"{api}\"", "Type=\"receive\""];
        double before = (await PageAsync())["etcd_network_server_stream_failures_total", labels];
        using (GrpcRawCall left = one.Channel.DuplexRaw(method))
        {
            await left.WriteAsync(new WatchRequest { CreateRequest = new() { Key = Kv.Bytes("a") } }.ToByteArray());
            await left.MoveNextAsync();
        }

        using (GrpcRawCall broken = one.Channel.DuplexRaw(method))
        {
            await broken.WriteAsync(new byte[] { 0xff, 0xff, 0xff });
            await Should.ThrowAsync<RpcException>(() => broken.MoveNextAsync());
        }

        await Eventually.TrueAsync(
            async () => (await PageAsync())["etcd_network_server_stream_failures_total", labels] > before, Limit, "it is counted");
        (await PageAsync())["etcd_network_server_stream_failures_total", labels].ShouldBe(before + 1);
    }

    private static Metadata Version(string version) => new() { { "client-api-version", version } };

    private Task<RangeResponse> RangeAsync(string? version) => one.Channel.UnaryAsync<RangeRequest, RangeResponse>(
        "etcdserverpb.KV/Range", Kv.Range("a"), version is null ? null : Version(version));

    private async Task<PrometheusPage> PageAsync()
    {
        using HttpProbe http = new(one.Server.ClientUrl);
        return await http.SettledMetricsAsync();
    }
}
