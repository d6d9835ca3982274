using System.Globalization;
using System.Text;

namespace PgEtcd.Server.Metrics;

/// <summary>Writes Prometheus' text format, version 0.0.4.</summary>
internal sealed class PrometheusText
{
    /// <summary>The format's content type over HTTP.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    /// <summary>Labels in the form that each sample has: with braces, empty if there are none.</summary>
    public static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string labels = "";
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            labels = With(labels, tag.Key, Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "");
        }

        return labels;
    }

    /// <summary>Labels with one more.</summary>
    public static string With(string labels, string name, string value)
    {
        string label = $"{name}=\"{Escaped(value).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
        return labels.Length == 0 ? $"{{{label}}}" : $"{labels[..^1]},{label}}}";
    }

    /// <summary>A number in Prometheus' form.</summary>
    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>A histogram's bound. It is a label, so it has Go's form (1.048576e+06) for the sake of queries that name one.</summary>
    public static string Bound(double bound) =>
        bound is >= 1e6 and < double.PositiveInfinity
            ? bound.ToString("0.##############e+00", CultureInfo.InvariantCulture)
            : Number(bound);

    /// <summary>Begins a metric.</summary>
    public void Begin(string name, string kind, string help) => _text
        .Append("# HELP ").Append(name).Append(' ')
        .Append(Escaped(help)).Append('\n')
        .Append("# TYPE ").Append(name).Append(' ').Append(kind).Append('\n');

    /// <summary>Writes one value.</summary>
    public void Sample(string name, string labels, double value) =>
        _text.Append(name).Append(labels).Append(' ').Append(Number(value)).Append('\n');

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private static string Escaped(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
