using System.Diagnostics.Metrics;

namespace PgEtcd.Postgres.Metrics;

/// <summary>The buckets of histograms.</summary>
public static class Buckets
{
    /// <summary>Upper bounds, each so many times the one before.</summary>
    /// <param name="first">The first.</param>
    /// <param name="factor">From one to the next.</param>
    /// <param name="count">How many.</param>
    public static InstrumentAdvice<double> Exponential(double first, double factor, int count) => new()
    {
        // Multiplied up, not raised to a power, so that the bounds are the same numbers as Prometheus' Go client makes.
        HistogramBucketBoundaries = [.. Enumerable.Range(1, count - 1).Aggregate(new List<double> { first }, (bounds, _) =>
        {
            bounds.Add(bounds[^1] * factor);
            return bounds;
        })],
    };
}
