using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Calls;

namespace PgEtcd.Server.Metrics;

/// <summary>Adds up the measurements of this process's instruments and shows them in Prometheus' format.</summary>
/// <remarks>An instrument's name is the metric's name, and its description the HELP. An instrument that measures events has its labels
/// as its own tags, one instrument for each set of labels, so that a measurement is an addition without a look-up. An observed
/// instrument may have labels with each value.</remarks>
public sealed class MetricsRegistry : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, Series> _series = new();
    /// <summary>First in the lock order (RunningFrontend): gauges take a frontend's locks.</summary>
    private readonly Lock _reading = new();

    /// <param name="listensTo">Chooses the meters.</param>
    public MetricsRegistry(Func<Meter, bool> listensTo)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (listensTo(instrument.Meter))
            {
                listener.EnableMeasurementEvents(instrument, _series.GetOrAdd(instrument, Series.Of));
            }
        };
        _listener.MeasurementsCompleted = (instrument, state) => _series.TryRemove(instrument, out _);
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, series) => Take((Series)series!, value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, series) => Take((Series)series!, value, tags));
        _listener.Start();
    }

    /// <summary>The current values of all metrics, in the order of their names.</summary>
    public string Read()
    {
        PrometheusText text = new();
        lock (_reading)
        {
            foreach (ObservedSeries observed in _series.Values.OfType<ObservedSeries>())
            {
                observed.Forget();
            }

            _listener.RecordObservableInstruments();
            foreach (IGrouping<string, Series> metric in _series.Values.GroupBy(series => series.Name).OrderBy(
                metric => metric.Key, StringComparer.Ordinal))
            {
                Series first = metric.First();
                text.Begin(first.Name, first.Kind, first.Help);
                foreach (Series series in metric.OrderBy(series => series.Labels, StringComparer.Ordinal))
                {
                    series.Write(text);
                }
            }
        }

        return text.ToString();
    }

    /// <summary>The sum and the number of the measurements of all instruments with a name. Never waits.</summary>
    public (double Sum, double Count) Total(string name)
    {
        (double sum, double count) = (0, 0);
        foreach (Series series in _series.Values.Where(series => series.Name == name))
        {
            (sum, count) = (sum + series.Total.Sum, count + series.Total.Count);
        }

        return (sum, count);
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private static void Take(Series series, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (!Rehearsal.IsOn || series is ObservedSeries)
        {
            series.Take(value, tags);
        }
    }
}
