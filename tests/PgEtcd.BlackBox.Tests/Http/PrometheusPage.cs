using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>A page in Prometheus' text format, parsed strictly by its specification: every metric in one block with one HELP and one
/// TYPE before its samples, no sample twice, complete histograms.</summary>
internal sealed partial class PrometheusPage
{
    private const string Label = """(?<label>[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*")""";

    private readonly Dictionary<string, string> _kinds = [];
    private readonly Dictionary<string, double> _samples = [];

    /// <summary>Names and types of the metrics.</summary>
    public IReadOnlyDictionary<string, string> Kinds => _kinds;

    /// <summary>Values by name and labels, as written.</summary>
    public IReadOnlyDictionary<string, double> Samples => _samples;

    /// <summary>The value of a sample, with labels in any order; 0 if there is none.</summary>
    public double this[string name, params string[] labels] => _samples.GetValueOrDefault(Id(name, labels));

    /// <summary>Whether the sample exists.</summary>
    public bool Has(string name, params string[] labels) => _samples.ContainsKey(Id(name, labels));

    /// <summary>Parses a page.</summary>
    public static PrometheusPage Parse(string text)
    {
        text.ShouldEndWith("\n");
        PrometheusPage page = new();
        string? helped = null;
        string? metric = null;
        foreach (string line in text[..^1].Split('\n'))
        {
            if (HelpLine().Match(line) is { Success: true } help)
            {
                helped = help.Groups["name"].Value;
                page._kinds.Keys.ShouldNotContain(helped, line);
            }
            else if (TypeLine().Match(line) is { Success: true } type)
            {
                metric = type.Groups["name"].Value;
                helped.ShouldBe(metric, "HELP and TYPE go together");
                page._kinds.Add(metric, type.Groups["kind"].Value);
            }
            else
            {
                page.AddSample(line, metric.ShouldNotBeNull(line));
            }
        }

        foreach ((string histogram, _) in page._kinds.Where(kind => kind.Value == "histogram"))
        {
            page.CheckHistogram(histogram);
        }

        return page;
    }

    private void AddSample(string line, string metric)
    {
        Match sample = SampleLine().Match(line);
        sample.Success.ShouldBeTrue($"not a sample: {line}");
        string name = sample.Groups["name"].Value;
        string[] names = _kinds[metric] switch
        {
            "histogram" => [$"{metric}_bucket", $"{metric}_sum", $"{metric}_count"],
            "summary" => [metric, $"{metric}_sum", $"{metric}_count"],
            _ => [metric],
        };
        names.ShouldContain(name, $"stands below {metric}");
        string[] labels = [.. sample.Groups["label"].Captures.Select(label => label.Value)];
        labels.Select(label => label.Split('=')[0]).ShouldBeUnique(line);
        _samples.TryAdd(Id(name, labels), Number(sample.Groups["value"].Value)).ShouldBeTrue($"twice: {line}");
        if (_kinds[metric] == "counter")
        {
            Number(sample.Groups["value"].Value).ShouldBeGreaterThanOrEqualTo(0, line);
        }
    }

    private void CheckHistogram(string name)
    {
        List<IGrouping<string, KeyValuePair<string, double>>> series = _samples
            .Where(sample => sample.Key.StartsWith($"{name}_bucket{{", StringComparison.Ordinal))
            .GroupBy(bucket => Bound().Replace(bucket.Key, "").Replace("_bucket", "", StringComparison.Ordinal))
            .ToList();
        series.ShouldNotBeEmpty(name);
        foreach (IGrouping<string, KeyValuePair<string, double>> buckets in series)
        {
            (double Bound, double Count)[] ordered =
            [
                .. buckets.Select(bucket => (Bound: Number(Bound().Match(bucket.Key).Groups["bound"].Value), Count: bucket.Value))
                    .OrderBy(bucket => bucket.Bound),
            ];
            ordered.Select(bucket => bucket.Bound).ShouldBeUnique(name);
            ordered.Select(bucket => bucket.Count).ShouldBeInOrder(SortDirection.Ascending, name);
            ordered[^1].Bound.ShouldBe(double.PositiveInfinity, name);
            string labels = buckets.Key[name.Length..].Replace("{,", "{", StringComparison.Ordinal).Replace(
                "{}", "", StringComparison.Ordinal);
            _samples.ShouldContainKey($"{name}_sum{labels}");
            _samples[$"{name}_count{labels}"].ShouldBe(ordered[^1].Count, name);
        }
    }

    private static string Id(string name, string[] labels) =>
        labels.Length == 0 ? name : $"{name}{{{string.Join(',', labels.Order(StringComparer.Ordinal))}}}";

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex("""^# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<help>([^\\]|\\\\|\\n)+)$""")]
    private static partial Regex HelpLine();

    [GeneratedRegex("""^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<kind>counter|gauge|histogram|summary)$""")]
    private static partial Regex TypeLine();

    [GeneratedRegex(
        "^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)" + @"(\{" + Label + "(," + Label + @")*\})? "
        + "(?<value>[+-]Inf|NaN|-?[0-9.]+([eE][+-]?[0-9]+)?)$")]
    private static partial Regex SampleLine();

    [GeneratedRegex(",?le=\"(?<bound>[^\"]*)\"")]
    private static partial Regex Bound();
}
