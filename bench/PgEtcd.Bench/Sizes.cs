using System.Globalization;
using System.Runtime.CompilerServices;

namespace PgEtcd.Bench;

/// <summary>Time to /health and memory with few and many keys, each server alone on fresh data.</summary>
public sealed class Sizes(H2Load h2load, Options options, Report report)
{
    private const int FewKeys = 100; // an almost empty store
    private const int Starts = 3;
    private const double Megabyte = 1 << 20;
    private static readonly int[] KeyCounts = [0, Requests.KeyCount, 1_000_000];
    private static readonly string[] Quantities = ["first start", "start", "load", "memory loaded", "memory started"];

    private sealed record Measures(
        double FirstStart, double Load, List<double> Starts, double Loaded, double LoadedDatabase, double Restarted,
        double RestartedDatabase);

    public async Task Run(Func<string, IReadOnlyList<Server>> makeServers)
    {
        foreach (int keys in KeyCounts)
        {
            string size = keys switch { 0 => "small", Requests.KeyCount => "100k keys", _ => "1M keys" };
            Dictionary<string, string> names = Quantities.ToDictionary(name => name, name => $"{name}, {size}");
            if (!names.Values.Any(options.Wants) || (options.Quick && keys > Requests.KeyCount && options.Only.Count == 0))
            {
                continue;
            }

            List<Measures?> measures = new();
            string? invalid = null;
            foreach (Server server in makeServers($"size-{keys}"))
            {
                await using ConfiguredAsyncDisposable _ = server.ConfigureAwait(false);
                try
                {
                    measures.Add(await Measure(server, keys).ConfigureAwait(false));
                }
                catch (BenchException e)
                {
                    measures.Add(null);
                    invalid = $"{server.Name}: {e.Message.ReplaceLineEndings(" ")}";
                }
            }

            double? startTarget = Targets.StartSeconds.TryGetValue(keys, out double seconds) ? seconds : null;
            double? memoryTarget = Targets.Memory.TryGetValue(keys, out double times) ? times : null;
            if (keys == 0)
            {
                Add(names["first start"], "s", measure => [measure.FirstStart], "", null);
            }

            Add(names["start"], "s", measure => [.. measure.Starts], startTarget is null ? "" : string.Create(
                CultureInfo.InvariantCulture, $"< {startTarget} s"),
                row => row.Values[^1]?.Median < startTarget);
            if (keys > 0)
            {
                Add(names["load"], "s", measure => [measure.Load], "", null);
            }

            foreach ((string? name, Func<Measures, double>? own, Func<Measures, double>? database) in new (
                string, Func<Measures, double>, Func<Measures, double>)[]
            {
                (names["memory loaded"], measure => measure.Loaded, measure => measure.LoadedDatabase),
                (names["memory started"], measure => measure.Restarted, measure => measure.RestartedDatabase),
            })
            {
                Add(
                    name, "MB", measure => [own(measure)], memoryTarget is null ? "" : $"<= {memoryTarget}",
                    row => row.Ratio <= memoryTarget);
                Add($"  its PostgreSQL", "MB", measure => database(measure) > 0 ? [database(measure)] : [], "", null);
            }

            void Add(string name, string unit, Func<Measures, IReadOnlyList<double>> read, string target, Func<Row, bool?>? met)
            {
                List<Measured?> values = [.. measures.Select(
                    measure => measure is not null && read(measure) is { Count: > 0 } samples ? new Measured(samples) : null)];
                if (values.TrueForAll(value => value is null) && invalid is null)
                {
                    return;
                }

                Row row = new(name, unit, values, [.. values.Select(_ => "")], target, null, Invalid: invalid);
                bool known = invalid is null && target.Length > 0 && (unit == "s" || !double.IsNaN(row.Ratio));
                report.Add(row with { Met = known ? met?.Invoke(row) : null });
            }
        }
    }

    private async Task<Measures> Measure(Server server, int keys)
    {
        double first = await server.Start().ConfigureAwait(false);
        WorkloadRun run = new(h2load, options);
        (double seconds, long _) = await run.Load(server, Requests.Keys, Math.Max(keys, FewKeys), 4).ConfigureAwait(false);
        (long loaded, long loadedDatabase) = server.Memory();
        List<double> starts = new();
        for (int i = 0; i < Starts; i++)
        {
            await server.Stop().ConfigureAwait(false);
            starts.Add(await server.Start().ConfigureAwait(false));
        }

        // A healthy server must also have the keys.
        long count = await server.Client.Count(Requests.Keys).ConfigureAwait(false);
        if (count != Math.Max(keys, FewKeys))
        {
            throw new BenchException($"after a restart the store holds {count} keys");
        }

        (long rss, long database) = server.Memory();
        return new(first, seconds, starts, loaded / Megabyte, loadedDatabase / Megabyte, rss / Megabyte, database / Megabyte);
    }
}
