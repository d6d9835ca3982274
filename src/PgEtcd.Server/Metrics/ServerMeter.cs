using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using PgEtcd.Grpc.Metrics;
using PgEtcd.Postgres;
using PgEtcd.Postgres.Connections;
using PgEtcd.Server.Compacting;
using PgEtcd.Server.Jobs;
using PgEtcd.Server.Services;
using PgEtcd.Server.Store;

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
        // An instrument whose class has not been used yet would be missing instead of 0.
        foreach (Type instruments in (Type[])
            [typeof(DatabaseMetrics), typeof(StoreMetrics), typeof(LeaseMetrics), typeof(RemovalMetrics), typeof(JobMetrics), typeof(MaintenanceMetrics), typeof(StreamMetrics)])
        {
            RuntimeHelpers.RunClassConstructor(instruments.TypeHandle);
        }

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

    /// <summary>A counter.</summary>
    public static Counter<long> Counter(string name, string help, params KeyValuePair<string, object?>[] labels) =>
        Meter.CreateCounter<long>(name, null, help, Labels.InOrder(labels));

    /// <summary>A number that goes up and down.</summary>
    public static UpDownCounter<long> UpDown(string name, string help, params KeyValuePair<string, object?>[] labels) =>
        Meter.CreateUpDownCounter<long>(name, null, help, Labels.InOrder(labels));

    /// <summary>A histogram whose bounds double from one to the next.</summary>
    public static Histogram<double> Histogram(string name, double first, int buckets, string help, params KeyValuePair<string, object?>[] labels) =>
        Meter.CreateHistogram(name, null, help, Labels.InOrder(labels), Buckets.Exponential(first, 2, buckets));

    /// <summary>Measures what has begun then.</summary>
    /// <param name="histogram">Of seconds.</param>
    /// <param name="started">A timestamp of <see cref="Stopwatch"/>.</param>
    public static void RecordSince(this Histogram<double> histogram, long started) => histogram.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
}
