using System.Diagnostics.Metrics;
using PgEtcd.Api.Metrics;

namespace PgEtcd.Api;

/// <summary>The meter of this project's instruments.</summary>
public static class ApiMeter
{
    internal static readonly Meter Meter = new("PgEtcd.Api");

    /// <summary>Creates all instruments: one whose class has not been used yet would be missing instead of 0.</summary>
    public static void Register() => StreamMetrics.Register();
}
