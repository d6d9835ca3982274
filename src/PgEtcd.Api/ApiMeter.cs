using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using PgEtcd.Api.Metrics;

namespace PgEtcd.Api;

/// <summary>The meter of this project's instruments.</summary>
public static class ApiMeter
{
    internal static readonly Meter Meter = new("PgEtcd.Api");

    /// <summary>Creates all instruments, so that those of classes not used yet are exported as 0 instead of missing.</summary>
    public static void Register() => RuntimeHelpers.RunClassConstructor(typeof(StreamMetrics).TypeHandle);
}
