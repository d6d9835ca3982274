namespace PgEtcd.Bench.Streams;

/// <summary>The rows about watches and leases, on servers that start empty and are then warmed up.</summary>
public sealed class StreamRows(H2Load h2load, Options options, Report report)
{
    /// <summary>Names of all rows, in the order of the table.</summary>
    public static IEnumerable<string> Names(Options options) =>
        Cases(new H2Load("", ""), options).SelectMany(one => one.Rows).Select(row => row.Name);

    public async Task Run(Func<string, IReadOnlyList<Server>> makeServers)
    {
        List<StreamCase> cases = Cases(h2load, options).Where(one => one.Rows.Any(row => options.Wants(row.Name))).ToList();
        if (cases.Count == 0)
        {
            return;
        }

        IReadOnlyList<Server> servers = makeServers("streams");
        foreach (Server server in servers)
        {
            await server.Start().ConfigureAwait(false);
            await new WorkloadRun(h2load, options).WarmUp(server).ConfigureAwait(false);
        }

        foreach (StreamCase? one in cases)
        {
            await Measure(one, servers).ConfigureAwait(false);
        }
    }

    private static IEnumerable<StreamCase> Cases(H2Load h2load, Options options)
    {
        WatchedPuts puts = new(h2load);
        return
        [
            new DeliveryLatency(options),
            new FanOut(puts, options),
            new ManyWatchers(puts, options),
            new CatchUp(puts, options),
            new ThreeFrontends(h2load, options),
            new LeaseGrants(h2load, options),
            new KeepAlives(options),
            new IdleWatchers(puts, options),
        ];
    }

    private async Task Measure(StreamCase one, IReadOnlyList<Server> servers)
    {
        Dictionary<Server, List<IReadOnlyList<double>>> samples = servers.ToDictionary(
            server => server, _ => new List<IReadOnlyList<double>>());
        HashSet<Server> prepared = new();
        string? invalid = await Turns.Take(servers, options, async (server, seed) =>
        {
            if (prepared.Add(server))
            {
                await one.Prepare(server).ConfigureAwait(false);
            }

            samples[server].Add(await one.Turn(server, seed).ConfigureAwait(false));
        }).ConfigureAwait(false);

        for (int i = 0; i < one.Rows.Count; i++)
        {
            List<Measured?> values = servers.Select(server =>
                samples[server].Count == 0 ? null : new Measured([.. samples[server].Select(sample => sample[i])])).ToList();
            Target? target = Targets.Streams.GetValueOrDefault(one.Rows[i].Name);
            Row row = new(
                one.Rows[i].Name, one.Rows[i].Unit, values, [.. servers.Select(_ => "")], target?.Text ?? "", null, Invalid: invalid);
            report.Add(row with { Met = invalid is null ? target?.Met(row) : null });
        }
    }
}
