using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using PgEtcd.Frontend.Compaction;
using PgEtcd.Frontend.Leases;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;

namespace PgEtcd.Frontend;

/// <summary>The meter of this project's instruments, which are declared in the folders that use them.</summary>
public static class FrontendMeter
{
    internal static readonly Meter Meter = new("PgEtcd.Frontend");

    private static readonly Type[] Classes =
    [
        typeof(WriteMetrics), typeof(ReadMetrics), typeof(OperationTally), typeof(LeaseMetrics), typeof(RemovalMetrics),
        typeof(JobMetrics), typeof(MaintenanceMetrics),
    ];

    /// <summary>Creates all instruments: an instrument whose class has not been used yet would be missing instead of 0.</summary>
    public static void Register() => Array.ForEach(Classes, static type => RuntimeHelpers.RunClassConstructor(type.TypeHandle));
}
