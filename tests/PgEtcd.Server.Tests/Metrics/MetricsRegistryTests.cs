using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;
using PgEtcd.Server.Metrics;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Metrics;

public sealed class MetricsRegistryTests : IDisposable
{
    private readonly Meter _meter = new("test");
    private readonly MetricsRegistry _registry;

    public MetricsRegistryTests() => _registry = new MetricsRegistry(meter => ReferenceEquals(meter, _meter));

    [Fact]
    public void An_instrument_without_measurements_is_zero()
    {
        _meter.CreateCounter<long>("b_total", null, "B.");
        _meter.CreateHistogram("a", null, "A.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });
        _registry.Read().ShouldBe(
            """
            # HELP a A.
            # TYPE a histogram
            a_bucket{le="0.5"} 0
            a_bucket{le="1"} 0
            a_bucket{le="+Inf"} 0
            a_sum 0
            a_count 0
            # HELP b_total B.
            # TYPE b_total counter
            b_total 0

            """);
    }

    [Fact]
    public void Instruments_of_one_name_are_one_metric_with_a_sample_per_label()
    {
        _meter.CreateCounter<long>("calls_total", null, "Calls.", [new("method", "b")]).Add(2);
        _meter.CreateCounter<long>("calls_total", null, "Calls.", [new("method", "a")]).Add(3);
        _meter.CreateUpDownCounter<long>("open", null, "Open \\ now.\nNot closed.", [new("what", "a \"b\"\\c\nd")]).Add(-1);
        _registry.Read().ShouldBe(
            """
            # HELP calls_total Calls.
            # TYPE calls_total counter
            calls_total{method="a"} 3
            calls_total{method="b"} 2
            # HELP open Open \\ now.\nNot closed.
            # TYPE open gauge
            open{what="a \"b\"\\c\nd"} -1

            """);
    }

    [Fact]
    public void The_servers_own_instruments_are_distinguished_by_every_label()
    {
        using MetricsRegistry registry = ServerMeter.Listen();
        foreach (string type in new[] { "x", "y" })
        {
            foreach (string name in new[] { "1", "2", "3" })
            {
                ServerMeter.Meter.Counter("told_apart_total", "Told apart.", new("type", type), new("name", name)).Add(1);
            }
        }

        registry.Read().Split('\n').Where(line => line.StartsWith("told_apart_total{", StringComparison.Ordinal)).ShouldBe(
        [
            "told_apart_total{name=\"1\",type=\"x\"} 1", "told_apart_total{name=\"1\",type=\"y\"} 1",
            "told_apart_total{name=\"2\",type=\"x\"} 1", "told_apart_total{name=\"2\",type=\"y\"} 1",
            "told_apart_total{name=\"3\",type=\"x\"} 1", "told_apart_total{name=\"3\",type=\"y\"} 1",
        ]);
    }

    [Fact]
    public async Task No_addition_is_lost_among_many_threads()
    {
        Counter<long> counter = _meter.CreateCounter<long>("n_total", null, "N.");
        Histogram<double> histogram = _meter.CreateHistogram(
            "h", null, "H.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2] });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 50_000; i++)
            {
                counter.Add(3);
                histogram.Record(1 + (i % 2));
            }
        })));
        string text = _registry.Read();
        text.ShouldContain("n_total 1200000\n");
        text.ShouldContain(
            "h_bucket{le=\"1\"} 200000\nh_bucket{le=\"2\"} 400000\nh_bucket{le=\"+Inf\"} 400000\nh_sum 600000\nh_count 400000\n");
    }

    [Fact]
    public void A_histogram_counts_a_value_at_a_bound_below_it_and_one_beyond_all_at_infinity()
    {
        Histogram<double> histogram = _meter.CreateHistogram(
            "h", null, "H.", [new("m", "x")], new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 1] });
        histogram.Record(0.001);
        histogram.Record(0.5);
        histogram.Record(2);
        _registry.Read().ShouldEndWith(
            """
            h_bucket{m="x",le="0.001"} 1
            h_bucket{m="x",le="1"} 2
            h_bucket{m="x",le="+Inf"} 3
            h_sum{m="x"} 2.501
            h_count{m="x"} 3

            """);
    }

    [Fact]
    public void Observed_values_are_read_each_time_and_may_come_and_go()
    {
        List<Measurement<double>> values = [new(double.PositiveInfinity)];
        _meter.CreateObservableGauge("g", () => values, null, "G.");
        _meter.CreateObservableCounter("c_total", () => 1.25, null, "C.");
        _registry.Read().ShouldBe("# HELP c_total C.\n# TYPE c_total counter\nc_total 1.25\n# HELP g G.\n# TYPE g gauge\ng +Inf\n");
        values = [new(2, new KeyValuePair<string, object?>("x", 1)), new(1, new KeyValuePair<string, object?>("x", "0"))];
        _registry.Read().ShouldEndWith("# TYPE g gauge\ng{x=\"0\"} 1\ng{x=\"1\"} 2\n");
        values = [];
        _registry.Read().ShouldEndWith("# TYPE g gauge\n");
    }

    [Fact]
    public void Other_meters_and_disposed_ones_do_not_count()
    {
        using Meter other = new("test");
        other.CreateCounter<long>("other_total", null, "Other.").Add(1);
        _meter.CreateCounter<long>("mine_total", null, "Mine.").Add(1);
        _registry.Read().ShouldContain("mine_total 1");
        _registry.Read().ShouldNotContain("other_total");
        _meter.Dispose();
        _registry.Read().ShouldBeEmpty();
    }

    public void Dispose()
    {
        _registry.Dispose();
        _meter.Dispose();
    }
}
