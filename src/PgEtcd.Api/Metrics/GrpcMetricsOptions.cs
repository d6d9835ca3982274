namespace PgEtcd.Api.Metrics;

/// <summary>What calls leave behind as metrics, on the meter <see cref="MeterName"/>.</summary>
public sealed record GrpcMetricsOptions
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "PgEtcd.Grpc";

    /// <summary>Whether to keep a histogram of how long each method takes (<c>grpc_server_handling_seconds</c>).</summary>
    public bool HandlingTime { get; init; }

    /// <summary>What the counter of bytes in requests is called; without the frames' prefixes.</summary>
    public string ReceivedBytes { get; init; } = "grpc_server_received_bytes_total";

    /// <summary>What the counter of bytes in responses is called.</summary>
    public string SentBytes { get; init; } = "grpc_server_sent_bytes_total";

    /// <summary>Counts calls by what they say of their client; null: does not.</summary>
    public CountedHeader? Clients { get; init; }
}
