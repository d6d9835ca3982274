using System.Diagnostics.Metrics;
using Grpc.Core;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Api.Metrics;

/// <summary>Counts failures of streams. A client that leaves or closes its stream is not a failure.</summary>
internal static class StreamMetrics
{
    public static readonly Counter<long> WatchReceives = Failures("watch", "receive");

    public static readonly Counter<long> WatchSends = Failures("watch", "send");

    public static readonly Counter<long> KeepAliveReceives = Failures("lease-keepalive", "receive");

    public static readonly Counter<long> KeepAliveSends = Failures("lease-keepalive", "send");

    /// <summary>Reads the next request of a stream, and counts a failure to read.</summary>
    /// <returns>False when the client has closed its side.</returns>
    public static async ValueTask<bool> ReceiveAsync<T>(
        IAsyncStreamReader<T> requests, Counter<long> failures, CancellationToken cancellationToken)
    {
        try
        {
            return await requests.MoveNext(cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            failures.Add(1);
            throw;
        }
    }

    private static Counter<long> Failures(string api, string type) => ApiMeter.Meter.Counter(
        "etcd_network_server_stream_failures_total", "The total number of stream failures from the local server.",
        new KeyValuePair<string, object?>("API", api), new KeyValuePair<string, object?>("Type", type));
}
