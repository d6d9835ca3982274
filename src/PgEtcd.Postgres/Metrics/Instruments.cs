using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PgEtcd.Postgres.Metrics;

/// <summary>Makes instruments as Prometheus wants them: the name is the metric's, the description its HELP.</summary>
public static class Instruments
{
    /// <summary>A counter.</summary>
    public static Counter<long> Counter(this Meter meter, string name, string help, params KeyValuePair<string, object?>[] labels) =>
        meter.CreateCounter<long>(name, null, help, InOrder(labels));

    /// <summary>A number that goes up and down.</summary>
    public static UpDownCounter<long> UpDown(this Meter meter, string name, string help, params KeyValuePair<string, object?>[] labels) =>
        meter.CreateUpDownCounter<long>(name, null, help, InOrder(labels));

    /// <summary>A histogram whose bounds double from one to the next.</summary>
    public static Histogram<double> Histogram(
        this Meter meter, string name, double first, int buckets, string help, params KeyValuePair<string, object?>[] labels) =>
        meter.CreateHistogram(name, null, help, InOrder(labels), Buckets.Exponential(first, 2, buckets));

    /// <summary>Records the seconds since a moment.</summary>
    /// <param name="histogram">Of seconds.</param>
    /// <param name="started">A timestamp of <see cref="Stopwatch"/>.</param>
    public static void RecordSince(this Histogram<double> histogram, long started) =>
        histogram.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);

    /// <summary>A meter gives the same instrument twice for the same labels, and takes some that differ for the same unless they come
    /// in the order of their names.</summary>
    private static KeyValuePair<string, object?>[] InOrder(KeyValuePair<string, object?>[] labels) =>
        [.. labels.OrderBy(label => label.Key, StringComparer.Ordinal)];
}
