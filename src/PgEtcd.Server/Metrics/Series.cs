using System.Diagnostics.Metrics;

namespace PgEtcd.Server.Metrics;

/// <summary>The collected measurements of an instrument.</summary>
internal abstract class Series(Instrument instrument)
{
    /// <summary>The metric's name.</summary>
    public string Name { get; } = instrument.Name;

    /// <summary>The metric's HELP.</summary>
    public string Help { get; } = instrument.Description ?? "";

    /// <summary>The instrument's own labels in Prometheus' form.</summary>
    public string Labels { get; } = PrometheusText.LabelsOf([.. instrument.Tags ?? []]);

    /// <summary>The metric's TYPE.</summary>
    public abstract string Kind { get; }

    /// <exception cref="NotSupportedException">The instrument is of a kind that is not used here.</exception>
    public static Series Of(Instrument instrument) => instrument switch
    {
        Counter<long> => new SumSeries(instrument, "counter"),
        UpDownCounter<long> => new SumSeries(instrument, "gauge"),
        Histogram<double> histogram => new HistogramSeries(histogram),
        ObservableCounter<long> or ObservableCounter<double> => new ObservedSeries(instrument, "counter"),
        { IsObservable: true } => new ObservedSeries(instrument, "gauge"),
        _ => throw new NotSupportedException($"{instrument.Name} is a {instrument.GetType()}."),
    };

    /// <summary>Takes a measurement, on the thread that measures. Prometheus has doubles only.</summary>
    public abstract void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags);

    /// <summary>The sum and the number of the measurements; zero for an observed instrument.</summary>
    public virtual (double Sum, double Count) Total => default;

    /// <summary>Writes the samples.</summary>
    public abstract void Write(PrometheusText text);
}
