using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Options of traces.</summary>
public sealed record TracingOptions
{
    private const int Million = 1_000_000;

    /// <summary>The collector.</summary>
    public required Uri Collector { get; init; }

    /// <summary>OTLP over gRPC, as in etcd; else protobuf over HTTP.</summary>
    public required bool IsGrpc { get; init; }

    /// <summary>service.name.</summary>
    public required string ServiceName { get; init; }

    /// <summary>service.instance.id; empty: none.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Share of calls that begin a trace, 0 to 1. Calls that a client traces are always traced.</summary>
    public required double SamplingRatio { get; init; }

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

        TracingOptions options = new()
        {
            // An address without a path is the collector's root, and OTLP has a path of its own below it.
            Collector = isGrpc || collector.AbsolutePath != "/" ? collector : new Uri(collector, "/v1/traces"),
            IsGrpc = isGrpc,
            ServiceName = values.Text(Flags.DistributedTracingServiceName),
            InstanceId = values.Text(Flags.DistributedTracingInstanceId),
            SamplingRatio = values.Number(Flags.DistributedTracingSamplingRate, 0, Million) / (double)Million,
        };
        return values.Switch(Flags.EnableDistributedTracing) ? options : null;
    }
}
