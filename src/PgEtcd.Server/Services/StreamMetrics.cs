using System.Diagnostics.Metrics;
using static PgEtcd.Server.Metrics.ServerMeter;

namespace PgEtcd.Server.Services;

/// <summary>Streams of clients that broke. That a client has gone, or has closed its stream, is no failure.</summary>
internal static class StreamMetrics
{
    public static readonly Counter<long> WatchReceives = Failures("watch", "receive");

    public static readonly Counter<long> WatchSends = Failures("watch", "send");

    public static readonly Counter<long> KeepAliveReceives = Failures("lease-keepalive", "receive");

    public static readonly Counter<long> KeepAliveSends = Failures("lease-keepalive", "send");

    private static Counter<long> Failures(string api, string type) => Counter(
        "etcd_network_server_stream_failures_total", "The total number of stream failures from the local server.",
        new KeyValuePair<string, object?>("API", api), new KeyValuePair<string, object?>("Type", type));
}
