using System.Diagnostics.Metrics;
using PgEtcd.Api;
using PgEtcd.Frontend;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Server.Metrics;

/// <summary>The meter of this project's instruments. The instruments are in the folders that use them, in a class beside Log.</summary>
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
}
