using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace PgEtcd.Bench;

/// <summary>The latency of puts while the rows superseded by a large compaction are removed, each server alone on fresh data.</summary>
public sealed class Compaction(H2Load h2load, Options options, Report report)
{
    /// <summary>The beginning of the names of its rows.</summary>
    public const string Name = "compaction, puts at 50 p99";

    private const string Prefix = "/registry/compacted/";
    private const int Keys = 10_000;

    private sealed record Latencies(List<double> P50, List<double> P99);

    private sealed record Measures(Latencies Before, Latencies During, double Seconds);

    public async Task Run(Func<string, IReadOnlyList<Server>> makeServers)
    {
        if (!options.Wants(Name))
        {
            return;
        }

        List<Measures?> measures = new();
        string? invalid = null;
        foreach (Server server in makeServers("compaction"))
        {
            await using ConfiguredAsyncDisposable _ = server.ConfigureAwait(false);
            try
            {
                measures.Add(await Measure(server, superseded: options.Quick ? 100_000 : 1_000_000).ConfigureAwait(false));
            }
            catch (BenchException e)
            {
                measures.Add(null);
                invalid = $"{server.Name}: {e.Message.ReplaceLineEndings(" ")}";
            }
        }

        bool? met = measures[^1] is { } last && invalid is null
            ? Measured.Of(last.During.P99) <= Targets.Compaction * Measured.Of(last.Before.P99)
                && Measured.Of(last.During.P50) <= Targets.Compaction * Measured.Of(last.Before.P50)
            : null;
        Add($"{Name}: before", measure => measure.Before, "", null);
        Add($"{Name}: during removal", measure => measure.During, $"<= {Targets.Compaction}x before", met);
        report.Add(new Row($"{Name}: until removal is done", "s", [
            .. measures.Select(measure => measure is null ? null : new Measured([measure.Seconds]))],
            [.. measures.Select(_ => "")], "", null, Invalid: invalid));

        void Add(string name, Func<Measures, Latencies> read, string target, bool? isMet) => report.Add(new Row(
            name, "ms", [.. measures.Select(measure => measure is null ? null : new Measured(read(measure).P99))],
            [.. measures.Select(measure => measure is null ? "" : Show(read(measure)))], target, isMet, Invalid: invalid));
    }

    private async Task<Measures> Measure(Server server, long superseded)
    {
        await server.Start().ConfigureAwait(false);
        long txns = (Keys + superseded) / Requests.PutsPerTxn;
        long before = await server.Client.Revision().ConfigureAwait(false);
        await h2load.Run(server.Port, "KV/Txn", Requests.PutMany(Prefix), new(Keys, Once: true), new(1, 4), txns).ConfigureAwait(false);
        long head = await server.Client.Revision().ConfigureAwait(false);
        if (head - before != txns || await server.Client.Count(Prefix).ConfigureAwait(false) != Keys)
        {
            throw new BenchException($"loading moved the revision by {head - before}, not {txns}");
        }

        Flight flight = Flight.Of(50);
        LoadResult pace = await Puts(4 * flight.Requests, latencies: false).ConfigureAwait(false);
        pace = await Puts((long)pace.Rate, latencies: false).ConfigureAwait(false);
        long chunk = (long)(pace.Rate * Math.Min(1, options.Seconds / 3));
        Latencies quiet = new([], []);
        for (int i = 0; i < Math.Max(1, 3 * options.Rounds); i++)
        {
            await Sample(quiet).ConfigureAwait(false);
        }

        Latencies during = new([], []);
        Stopwatch clock = System.Diagnostics.Stopwatch.StartNew();
        Task<double> compaction = Compact();
        do
        {
            await Sample(during).ConfigureAwait(false);
        }
        while (!compaction.IsCompleted);
        return new(quiet, during, await compaction.ConfigureAwait(false));

        async Task<double> Compact()
        {
            await server.Client.Call("KV/Compact", new Message().Number(1, head).Number(2, 1).ToArray()).ConfigureAwait(false);
            return clock.Elapsed.TotalSeconds;
        }

        async Task Sample(Latencies into)
        {
            LoadResult result = await Puts(chunk, latencies: true).ConfigureAwait(false);
            into.P50.Add(result.P50 / 1000);
            into.P99.Add(result.P99 / 1000);
        }

        Task<LoadResult> Puts(long requests, bool latencies) => h2load.Run(
            server.Port, "KV/Put", Requests.Put(Requests.Keys), new(Requests.KeyCount, Seed: options.Seed), flight, requests, latencies);
    }

    private static string Show(Latencies latencies) =>
        string.Create(CultureInfo.InvariantCulture, $"{Measured.Of(latencies.P50):F2} / {Measured.Of(latencies.P99):F2}");
}
