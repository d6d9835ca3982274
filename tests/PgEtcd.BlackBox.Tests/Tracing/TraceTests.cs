using System.Globalization;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tracing;

/// <summary>--enable-distributed-tracing, with a collector that keeps all spans.</summary>
public sealed class TraceTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Put = "etcdserverpb.KV/Put";
    private const string Range = "etcdserverpb.KV/Range";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("{0}")]
    [InlineData("http://{0}")]
    public async Task Puts_that_clients_trace_link_to_the_batch_that_committed_them_and_its_SQL(string address)
    {
        const int Puts = 20;
        await using TraceCollector collector = await TraceCollector.StartAsync();
        await using PgEtcdServer server = await StartAsync(collector, address, samplingRate: 0);
        await using Kv kv = new(server);
        await kv.PutAsync("untraced", "1");
        Dictionary<string, string> parents = Enumerable.Range(1, Puts).ToDictionary(
            i => i.ToString("x32", CultureInfo.InvariantCulture), i => (1000 + i).ToString("x16", CultureInfo.InvariantCulture));
        await Task.WhenAll(parents.Select(parent => PutAsync(kv, parent.Key, parent.Value)));

        (await server.StopAsync()).ShouldBe(0); // sends the remaining spans
        Span[] calls = [.. collector.Spans.Where(span => span.Name == Put)];
        calls.Select(call => (call.TraceId, call.ParentId)).ShouldBe(
            parents.Select(parent => (parent.Key, parent.Value)), ignoreOrder: true);
        calls.ShouldAllBe(call => call.Tags["rpc.service"] == "etcdserverpb.KV" && call.Tags["rpc.method"] == "Put");
        Span[] batches = [.. collector.Spans.Where(span => span.Name == "commit batch")];
        batches.SelectMany(batch => batch.Links).ShouldBe(calls.Select(call => call.Id), ignoreOrder: true);
        foreach (Span batch in batches)
        {
            batch.Links.ShouldContain(batch.ParentId);
            batch.TraceId.ShouldBe(calls.Single(call => call.Id == batch.ParentId).TraceId);
            IEnumerable<string> inside = collector.Spans.Where(span => span.ParentId == batch.Id).SelectMany(span => span.Tags.Values);
            // A connection may also have been opened
            inside.ShouldContain(value => value.Contains("append", StringComparison.Ordinal));
        }

        collector.Resource["service.name"].ShouldBe("etcd-of-the-test");
        collector.Resource["service.instance.id"].ShouldBe("first");
        collector.Spans.ShouldAllBe(span => parents.ContainsKey(span.TraceId), "heartbeats and jobs are no part of any trace");
    }

    [Fact]
    public async Task Reads_share_a_barrier_and_a_refused_call_has_its_status()
    {
        await using TraceCollector collector = await TraceCollector.StartAsync();
        await using PgEtcdServer server = await StartAsync(collector, "{0}", samplingRate: 1_000_000);
        await using Kv kv = new(server);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => kv.ReadAsync("a")));
        await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Kv.Put("")));

        (await server.StopAsync()).ShouldBe(0);
        Span[] reads = [.. collector.Spans.Where(span => span.Name == Range)];
        reads.Length.ShouldBe(20);
        collector.Spans.Where(span => span.Name == "read barrier").SelectMany(barrier => barrier.Links).ShouldBe(
            reads.Select(read => read.Id), ignoreOrder: true);
        collector.Spans.Single(span => span.Name == Put).ParentId.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_unreachable_collector_is_harmless_and_logged_once()
    {
        string address = $"127.0.0.1:{FreePort.Next()}";
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(),
            moreArguments: [
                "--enable-distributed-tracing", "--distributed-tracing-sampling-rate=1000000", $"--distributed-tracing-address={address}"]);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        server.Expect("Traces do not reach --distributed-tracing-address");
        await Eventually.TrueAsync(() => server.Complaints.Count > 0, Limit, "the log says that traces are lost");
        await kv.PutAsync("a", "2");

        DateTime before = DateTime.UtcNow;
        (await server.StopAsync()).ShouldBe(0);
        (DateTime.UtcNow - before).ShouldBeLessThan(TimeSpan.FromSeconds(15));
        string complaint = server.Complaints.ShouldHaveSingleItem();
        complaint.ShouldContain($"Traces do not reach --distributed-tracing-address http://{address}/ and are dropped: ");
        complaint.ShouldNotContain("   at ");
    }

    private static Task<PutResponse> PutAsync(Kv kv, string traceId, string spanId) => kv.Channel.UnaryAsync<PutRequest, PutResponse>(
        Put, Kv.Put(traceId, "v"), new Metadata { { "traceparent", $"00-{traceId}-{spanId}-01" } }, Limit);

    private async Task<PgEtcdServer> StartAsync(TraceCollector collector, string address, int samplingRate) => await PgEtcdServer
        .StartAsync(
        await postgres.CreateStoreAsync(),
        moreArguments:
        [
            "--enable-distributed-tracing",
            "--distributed-tracing-address", string.Format(CultureInfo.InvariantCulture, address, collector.Address),
            "--distributed-tracing-service-name", "etcd-of-the-test",
            "--experimental-distributed-tracing-instance-id", "first",
            string.Create(CultureInfo.InvariantCulture, $"--distributed-tracing-sampling-rate={samplingRate}"),
        ]);
}
