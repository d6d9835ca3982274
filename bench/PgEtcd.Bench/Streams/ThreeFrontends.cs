namespace PgEtcd.Bench.Streams;

/// <summary>Puts over three frontends of one store, a third of the load on each, over puts with the same load on one of them while
/// the two others run idle. etcd has no such row: all its members follow one leader.</summary>
public sealed class ThreeFrontends(H2Load h2load, Options options) : StreamCase(
    options, [.. InFlight.Select(inFlight => new RowHead($"puts: three frontends over one, {inFlight.Requests} in flight", "x"))])
{
    private const int Frontends = 3;
    private const long First = 3000;
    private const int Keys = 100_000;

    /// <summary>Puts until frontends that have just started are warm. Before, a third of their work is compilation.</summary>
    private const long WarmPuts = 100_000;

    /// <summary>The load on a single frontend; each of three has a third of the connections.</summary>
    private static readonly Flight[] InFlight = [new(3, 11), new(6, 50)];

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        if (!server.HasFrontends)
        {
            return [.. InFlight.Select(_ => double.NaN)];
        }

        List<Server> servers = [server];
        try
        {
            for (int number = 2; number <= Frontends; number++)
            {
                servers.Add(server.Beside(number));
                await servers[^1].Start().ConfigureAwait(false);
            }

            if (!Options.Cold)
            {
                await Run(servers, InFlight[0] with { Connections = 1 }, seed, WarmPuts).ConfigureAwait(false);
            }

            List<double> ratios = [];
            foreach (Flight flight in InFlight)
            {
                double three = await Measure(servers, flight with { Connections = flight.Connections / Frontends }, seed)
                    .ConfigureAwait(false);
                double one = await Measure([server], flight, seed).ConfigureAwait(false);
                ratios.Add(three / one);
            }

            return ratios;
        }
        finally
        {
            foreach (Server other in servers.Skip(1))
            {
                await other.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Puts per second.</summary>
    private async Task<double> Measure(List<Server> frontends, Flight each, int seed)
    {
        double pace = await Run(frontends, each, seed, First).ConfigureAwait(false); // warms up, too
        return await Run(frontends, each, seed, (long)(pace * Options.Seconds)).ConfigureAwait(false);
    }

    /// <summary>Puts per second over all frontends, until the last of them is done.</summary>
    /// <exception cref="BenchException">The revision did not move by the number of puts.</exception>
    private async Task<double> Run(List<Server> frontends, Flight each, int seed, long count)
    {
        count = Math.Max(count / frontends.Count, each.Requests);
        long before = await frontends[0].Client.Revision().ConfigureAwait(false);
        LoadResult[] results = await Task.WhenAll(frontends.Select((frontend, i) => h2load.Run(
            frontend.Port, "KV/Put", Requests.Put(Requests.Keys), new(Keys, Seed: seed + i), each, count))).ConfigureAwait(false);
        long moved = await frontends[0].Client.Revision().ConfigureAwait(false) - before;
        return moved == count * frontends.Count
            ? moved / results.Max(result => result.Seconds)
            : throw new BenchException(
                $"{count * frontends.Count} puts over {frontends.Count} frontends moved the revision by {moved}");
    }
}
