using System.Diagnostics.Metrics;

namespace PgEtcd.Server.Metrics;

/// <summary>The number of measurements up to each bound, and the sum of all.</summary>
internal sealed class HistogramSeries : Series
{
    private readonly double[] _bounds;
    private readonly long[] _counts;
    private readonly string[] _labels;
    private double _sum;

    /// <param name="histogram">The instrument, whose advice has the bounds.</param>
    public HistogramSeries(Histogram<double> histogram)
        : base(histogram)
    {
        _bounds = [.. histogram.Advice?.HistogramBucketBoundaries ?? []];
        _counts = new long[_bounds.Length + 1];
        _labels = [
            .. _bounds.Append(double.PositiveInfinity).Select(bound => PrometheusText.With(Labels, "le", PrometheusText.Bound(bound)))];
    }

    public override string Kind => "histogram";

    public override (double Sum, double Count) Total => (Volatile.Read(ref _sum), _counts.Sum(static count => (double)count));

    public override void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        int bucket = 0;
        while (bucket < _bounds.Length && value > _bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _counts[bucket]);
        double sum = Volatile.Read(ref _sum);
        for (double seen; (seen = Interlocked.CompareExchange(ref _sum, sum + value, sum)) != sum; sum = seen)
        {
        }
    }

    public override void Write(PrometheusText text)
    {
        long count = 0;
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            count += Volatile.Read(ref _counts[bucket]);
            text.Sample(Name + "_bucket", _labels[bucket], count);
        }

        text.Sample(Name + "_sum", Labels, Volatile.Read(ref _sum));
        text.Sample(Name + "_count", Labels, count);
    }
}
