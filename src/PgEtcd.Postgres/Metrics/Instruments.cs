using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PgEtcd.Postgres.Metrics;

/// <summary>Creates instruments by Prometheus' rules: the name is the metric's, the description its HELP.</summary>
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
        meter.CreateHistogram(name, null, help, InOrder(labels), new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [.. Enumerable.Range(0, buckets).Select(i => first * (1L << i))],
        });

    /// <summary>Records the seconds since a moment.</summary>
    /// <param name="histogram">A histogram of seconds.</param>
    /// <param name="started">A timestamp of <see cref="Stopwatch"/>.</param>
    public static void RecordSince(this Histogram<double> histogram, long started) =>
        histogram.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);

    /// <summary>Sorts labels by name. A meter returns the same instrument for the same labels, and confuses some different sets of labels
    /// unless they are sorted.</summary>
    private static KeyValuePair<string, object?>[] InOrder(KeyValuePair<string, object?>[] labels) =>
        [.. labels.OrderBy(label => label.Key, StringComparer.Ordinal)];
}
