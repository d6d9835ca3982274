using System.Diagnostics.Metrics;

namespace PgEtcd.Server.Metrics;

/// <summary>Values that are observed whenever the metrics are read.</summary>
internal sealed class ObservedSeries(Instrument instrument, string kind) : Series(instrument)
{
    private readonly List<(string Labels, double Value)> _values = [];

    public override string Kind => kind;

    /// <summary>Drops the values of the last observation.</summary>
    public void Forget() => _values.Clear();

    public override void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _values.Add((tags.IsEmpty ? Labels : PrometheusText.LabelsOf(tags), value));

    public override void Write(PrometheusText text)
    {
        foreach ((string labels, double value) in _values.OrderBy(observed => observed.Labels, StringComparer.Ordinal))
        {
            text.Sample(Name, labels, value);
        }
    }
}
