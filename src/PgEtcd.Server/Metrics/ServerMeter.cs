using System.Diagnostics.Metrics;
using PgEtcd.Api;
using PgEtcd.Api.Metrics;
using PgEtcd.Frontend;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Server.Metrics;

/// <summary>The meter of this project's instruments. They stand in the folders that use them, in a class beside Log.</summary>
internal static class ServerMeter
{
    private const string Prefix = "PgEtcd.";

    /// <summary>The meter.</summary>
    public static Meter Meter { get; } = new(Prefix + "Server");

    /// <summary>Begins to listen to all instruments of PgEtcd.</summary>
    public static MetricsRegistry Listen()
    {
        DatabaseMetrics.Register();
        FrontendMeter.Register();
        ApiMeter.Register();
        return new MetricsRegistry(meter => meter.Name.StartsWith(Prefix, StringComparison.Ordinal));
    }

    /// <summary>What calls leave behind, under etcd's names.</summary>
    /// <param name="isExtensive">--metrics=extensive.</param>
    public static GrpcMetricsOptions Calls(bool isExtensive) => new()
    {
        HandlingTime = isExtensive,
        ReceivedBytes = "etcd_network_client_grpc_received_bytes_total",
        SentBytes = "etcd_network_client_grpc_sent_bytes_total",
        Clients = new CountedHeader(
            "client-api-version", "client_api_version", "etcd_server_client_requests_total", "The total number of client requests per client version."),
    };
}
