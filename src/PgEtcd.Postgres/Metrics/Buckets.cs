using System.Diagnostics.Metrics;

namespace PgEtcd.Postgres.Metrics;

/// <summary>The buckets of histograms.</summary>
public static class Buckets
{
    /// <summary>Upper bounds in a geometric series.</summary>
    /// <param name="first">The first bound.</param>
    /// <param name="factor">The ratio of a bound to the one before.</param>
    /// <param name="count">The number of bounds.</param>
    public static InstrumentAdvice<double> Exponential(double first, double factor, int count) => new()
    {
        // Multiplied step by step, not raised to a power, so that the bounds equal those of Prometheus' Go client.
        HistogramBucketBoundaries = [.. Enumerable.Range(1, count - 1).Aggregate(new List<double> { first }, (bounds, _) =>
        {
            bounds.Add(bounds[^1] * factor);
            return bounds;
        })],
    };
}
