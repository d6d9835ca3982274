using System.Globalization;

namespace PgEtcd.Bench;

/// <summary>All workloads against servers that hold 100,000 keys, in turns A B B A.</summary>
public sealed class Throughput(H2Load h2load, Options options, Report report)
{
    public async Task Run(IReadOnlyList<Server> servers)
    {
        List<Workload> workloads = Workload.All.Where(workload => options.Wants(workload.Name)).ToList();
        if (workloads.Count == 0)
        {
            return;
        }

        WorkloadRun run = new(h2load, options);
        foreach (Server server in servers)
        {
            await server.Start().ConfigureAwait(false);
            await run.Load(server, Requests.Keys, Requests.KeyCount, 4).ConfigureAwait(false);
            await run.WriteHistory(server).ConfigureAwait(false);
            await run.WarmUp(server).ConfigureAwait(false);
        }

        foreach (Workload? workload in workloads)
        {
            report.Add(await Measure(run, workload, servers).ConfigureAwait(false));
        }
    }

    private async Task<Row> Measure(WorkloadRun run, Workload workload, IReadOnlyList<Server> servers)
    {
        Dictionary<Server, List<Sample>> samples = servers.ToDictionary(server => server, _ => new List<Sample>());
        string? invalid = await Turns.Take(servers, options, async (server, seed) =>
            samples[server].Add(await run.Turn(workload, server, seed).ConfigureAwait(false))).ConfigureAwait(false);

        List<Measured?> values = servers.Select(server =>
            samples[server].Count == 0 ? null : new Measured([.. samples[server].Select(sample => sample.Rate)])).ToList();
        double? target = Targets.Throughput.TryGetValue(workload.Name, out double least) ? least : null;
        Row row = new(
            workload.Name, "/s", values, [.. servers.Select(server => Latency(samples[server]))],
            target is null ? "" : string.Create(CultureInfo.InvariantCulture, $">= {target:0.0}"), null,
            [
                .. servers.Select(server =>
                    samples[server].Count == 0 ? (double?)null : Measured.Of(samples[server].Select(sample => sample.Cpu))),
            ],
            invalid);
        return row with { Met = invalid is null && target is not null && !double.IsNaN(row.Ratio) ? row.Ratio >= target : null };
    }

    private static string Latency(List<Sample> samples) => samples.Count == 0
        ? ""
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{Measured.Of(samples.Select(sample => sample.P50)) / 1000:F2} / "
            + $"{Measured.Of(samples.Select(sample => sample.P99)) / 1000:F2}");
}
