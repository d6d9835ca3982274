using System.Diagnostics.Metrics;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Metrics;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Reading;

/// <summary>The metrics of reads and of following the log.</summary>
internal static class ReadMetrics
{
    private static readonly Histogram<double> RangeSeconds = RangeHistogram("true");

    private static readonly Histogram<double> FailedRangeSeconds = RangeHistogram("false");

    public static readonly Histogram<double> BarrierSeconds = FrontendMeter.Meter.Histogram(
        "pgetcd_read_barrier_duration_seconds", 0.0001, 18,
        "How long the query took that linearizable reads wait for; all that wait at a time share one.");

    public static readonly Counter<long> SlowBarriers = FrontendMeter.Meter.Counter(
        "etcd_server_slow_read_indexes_total",
        "The total number of read barriers that had to be repeated because the database did not answer at once.");

    public static readonly Counter<long> FailedBarriers = FrontendMeter.Meter.Counter(
        "etcd_server_read_indexes_failed_total",
        "The total number of read barriers that failed because the database did not answer in time.");

    public static readonly Counter<long> TailedRows = FrontendMeter.Meter.Counter(
        "pgetcd_tail_rows_total",
        "Rows taken in from the log that this frontend did not write, or that it read before its append was answered.");

    public static readonly Counter<long> Loads = FrontendMeter.Meter.Counter(
        "pgetcd_state_loads_total", "Times that the whole state was loaded anew while serving, because the log did not go on from it.");

    public static readonly Histogram<double> ApplyLagSeconds = FrontendMeter.Meter.Histogram(
        "pgetcd_apply_lag_seconds", 0.0001, 18, "From a notification of another frontend's write to its being taken in here.");

    /// <summary>Measures a range, or its failure.</summary>
    public static void Ranged(EtcdError? error, long started) =>
        (error is null ? RangeSeconds : FailedRangeSeconds).RecordSince(started);

    /// <summary>Counts the operations of a transaction that only reads.</summary>
    /// <param name="result">Its answer; null when it was refused.</param>
    public static void Read(TxnResult? result)
    {
        if (result is not null)
        {
            OperationTally tally = default;
            tally.Add(result);
            tally.Report();
        }
    }

    private static Histogram<double> RangeHistogram(string success) => FrontendMeter.Meter.Histogram(
        "etcd_server_range_duration_seconds", 0.0001, 20, "The latency distributions of txn.Range: without the read barrier before it.",
        new KeyValuePair<string, object?>("success", success));
}
