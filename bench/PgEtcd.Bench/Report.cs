using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PgEtcd.Bench;

/// <summary>All samples of one quantity of one server; the table shows their median.</summary>
public sealed record Measured(IReadOnlyList<double> Samples)
{
    public double Median => Of(Samples);
    public double Min => Samples.Min();
    public double Max => Samples.Max();

    public static double Of(IEnumerable<double> samples)
    {
        double[] sorted = samples.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>One row of the report.</summary>
/// <param name="Name">The quantity.</param>
/// <param name="Unit">The unit, such as ops/s, MB or s.</param>
/// <param name="Values">The samples by server, in the order of the columns; null for a server without any.</param>
/// <param name="Latencies">"p50 / p99" in milliseconds by server, or empty.</param>
/// <param name="Target">The target in words; empty for a row without one.</param>
/// <param name="Met">Whether the target was met; null without a target or a value.</param>
/// <param name="Cpu">CPU microseconds per request by server (frontend and database together).</param>
/// <param name="Invalid">Why the row is invalid, or null.</param>
public sealed record Row(
    string Name, string Unit, IReadOnlyList<Measured?> Values, IReadOnlyList<string> Latencies, string Target, bool? Met,
    IReadOnlyList<double?>? Cpu = null, string? Invalid = null)
{
    /// <summary>Second server over first; NaN with one server.</summary>
    public double Ratio => Values is [{ } first, { } second] ? second.Median / first.Median : double.NaN;
}

/// <summary>Prints each row when it is measured, and writes all rows to results.md and results.json.</summary>
public sealed class Report(IReadOnlyList<string> servers, string about)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly List<Row> _rows = [];

    public bool AllValid => _rows.TrueForAll(row => row.Invalid is null);

    public string Head()
    {
        StringBuilder text = new($"{"case",-36}");
        foreach (string server in servers)
        {
            text.Append(CultureInfo.InvariantCulture, $" | {server + " median (min-max)",-32} {"p50 / p99 ms",-16} | {"CPU us",-6}");
        }

        return text.Append(" | ratio  | target    | met").ToString();
    }

    public void Add(Row row)
    {
        _rows.Add(row);
        Console.WriteLine(Line(row));
    }

    public void Write(string directory)
    {
        StringBuilder table = new($"{about}\n\n");
        table.Append(CultureInfo.InvariantCulture, $"{Cells(Head())}\n{Cells(string.Join('|', Head().Split('|').Select(_ => "---")))}\n");
        foreach (Row row in _rows)
        {
            table.Append(CultureInfo.InvariantCulture, $"{Cells(Line(row))}\n");
        }

        File.WriteAllText($"{directory}/results.md", table.ToString());
        File.WriteAllText($"{directory}/results.json", JsonSerializer.Serialize(new { about, servers, rows = _rows }, Json));
    }

    private string Line(Row row)
    {
        StringBuilder text = new($"{row.Name,-36}");
        for (int i = 0; i < servers.Count; i++)
        {
            string value = row.Values[i] is { } measured
                ? $"{Show(measured.Median)} {row.Unit} ({Show(measured.Min)}-{Show(measured.Max)})"
                : "-";
            string? cpu = row.Cpu?[i]?.ToString("F1", CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $" | {value,-32} {row.Latencies[i],-16} | {cpu,-6}");
        }

        string ratio = double.IsNaN(row.Ratio) ? "" : row.Ratio.ToString("F2", CultureInfo.InvariantCulture);
        string met = row.Invalid is { } reason ? $"INVALID: {reason}" : row.Met switch { true => "yes", false => "NO", null => "" };
        return text.Append(CultureInfo.InvariantCulture, $" | {ratio,-6} | {row.Target,-9} | {met}").ToString();
    }

    private static string Show(double number) =>
        number.ToString(number >= 100 ? "N0" : number >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);

    private static string Cells(string line) => $"| {string.Join(" | ", line.Split('|').Select(cell => cell.Trim()))} |";
}
