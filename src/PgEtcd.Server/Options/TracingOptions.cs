using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Options of traces.</summary>
/// <param name="Collector">The collector.</param>
/// <param name="IsGrpc">OTLP over gRPC, as in etcd; else protobuf over HTTP.</param>
/// <param name="ServiceName">service.name.</param>
/// <param name="InstanceId">service.instance.id; empty: none.</param>
/// <param name="SamplingRatio">Share of calls that begin a trace, 0 to 1. Calls that a client traces are always traced.</param>
public sealed record TracingOptions(Uri Collector, bool IsGrpc, string ServiceName, string InstanceId, double SamplingRatio)
{
    private const int Million = 1_000_000;

    /// <returns>Null when traces are not asked for.</returns>
    /// <exception cref="FlagException">A value is wrong.</exception>
    internal static TracingOptions? From(FlagValues values)
    {
        string address = values.Text(Flags.DistributedTracingAddress);
        bool isGrpc = !address.StartsWith("http://", StringComparison.Ordinal) && !address.StartsWith("https://", StringComparison.Ordinal);
        if (!Uri.TryCreate(isGrpc ? "http://" + address : address, UriKind.Absolute, out Uri? collector)
            || collector.Host.Length == 0
            || (isGrpc && collector.PathAndQuery != "/"))
        {
            throw values.Wrong(Flags.DistributedTracingAddress, "host:port or a URL with http:// or https://");
        }

        TracingOptions options = new(
            // An address without a path is the collector's root, and OTLP has a path of its own below it.
            isGrpc || collector.AbsolutePath != "/" ? collector : new Uri(collector, "/v1/traces"),
            isGrpc,
            values.Text(Flags.DistributedTracingServiceName),
            values.Text(Flags.DistributedTracingInstanceId),
            values.Number(Flags.DistributedTracingSamplingRate, 0, Million) / (double)Million);
        return values.Switch(Flags.EnableDistributedTracing) ? options : null;
    }
}
