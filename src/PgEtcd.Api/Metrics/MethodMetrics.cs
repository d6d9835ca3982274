using System.Diagnostics;
using System.Diagnostics.Metrics;
using Grpc.Core;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Api.Metrics;

/// <summary>The counters of one method, under the names that go-grpc-middleware gives them. They are looked up once, when
/// the method is bound; a call only adds to them.</summary>
internal sealed class MethodMetrics(Meter meter, bool hasHandlingTimes, CallsByVersion clients, IMethod method)
{
    /// <summary>Prometheus' default buckets, seconds.</summary>
    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Counter<long> _started =
        meter.Counter("grpc_server_started_total", "Total number of RPCs started on the server.", Labels(method));

    private readonly Counter<long> _received =
        meter.Counter("grpc_server_msg_received_total", "Total number of RPC messages received on the server.", Labels(method));

    private readonly Counter<long> _sent =
        meter.Counter("grpc_server_msg_sent_total", "Total number of RPC messages sent by the server.", Labels(method));

    private readonly Counter<long> _receivedBytes = meter.Counter(
        "etcd_network_client_grpc_received_bytes_total", "The total number of bytes received from gRPC clients.");

    private readonly Counter<long> _sentBytes =
        meter.Counter("etcd_network_client_grpc_sent_bytes_total", "The total number of bytes sent to gRPC clients.");

    private readonly Counter<long>[] _handled =
    [
        .. Enum.GetValues<StatusCode>().Order().Select(code => meter.Counter(
            "grpc_server_handled_total", "Total number of RPCs completed on the server, regardless of success or failure.",
            [new("grpc_code", NameOf(code)), .. Labels(method)])),
    ];

    private readonly Histogram<double>? _handling = !hasHandlingTimes ? null : meter.CreateHistogram(
        "grpc_server_handling_seconds", null,
        "Response latency (seconds) of gRPC that had been application-level handled by the server.",
        Labels(method), new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });

    private readonly bool _isUnary = method.Type == MethodType.Unary;

    /// <summary>Counts the beginning of a call.</summary>
    /// <returns>The start of the call, a timestamp of Stopwatch.</returns>
    public long Started(IHeaderDictionary headers)
    {
        _started.Add(1);
        clients.Add(headers, _isUnary);
        return Stopwatch.GetTimestamp();
    }

    /// <summary>Counts a request.</summary>
    public void Received(long bytes)
    {
        _received.Add(1);
        _receivedBytes.Add(bytes);
    }

    /// <summary>Counts a response.</summary>
    public void Sent(long bytes)
    {
        _sent.Add(1);
        _sentBytes.Add(bytes);
    }

    /// <summary>Counts the end of a call.</summary>
    public void Handled(StatusCode code, long started)
    {
        if ((uint)code < (uint)_handled.Length)
        {
            _handled[(int)code].Add(1);
        }

        _handling?.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static KeyValuePair<string, object?>[] Labels(IMethod method) =>
        [new("grpc_method", method.Name), new("grpc_service", method.ServiceName), new("grpc_type", TypeOf(method.Type))];

    private static string TypeOf(MethodType type) => type switch
    {
        MethodType.ClientStreaming => "client_stream",
        MethodType.ServerStreaming => "server_stream",
        MethodType.DuplexStreaming => "bidi_stream",
        _ => "unary",
    };

    // grpc-go's names, which dashboards use.
    private static string NameOf(StatusCode code) => code == StatusCode.Cancelled ? "Canceled" : code.ToString();
}
