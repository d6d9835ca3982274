namespace PgEtcd.Bench.Streams;

/// <summary>Puts, and linearizable ranges of one key, over three frontends of one store, a third of the load on each, over the same load on
/// one of them while the two others run idle. etcd has no such row: all its members follow one leader.</summary>
public sealed class ThreeFrontends(H2Load h2load, Options options) : StreamCase(
    options,
    [
        .. Cases.Select(load => new RowHead(
            $"{(load.Puts ? "puts" : "ranges")}: three frontends over one, {load.Flight.Requests} in flight", "x")),
    ])
{
    private const int Frontends = 3;
    private const long First = 3000;
    private const int Keys = 100_000;

    /// <summary>Puts, and then ranges, until frontends that have just started are warm. Before, a third of their work is compilation.
    /// </summary>
    private const long Warm = 100_000;

    /// <summary>The load on a single frontend; each of three has a third of the connections.</summary>
    private static readonly (bool Puts, Flight Flight)[] Cases =
        [(true, new(3, 11)), (true, new(6, 50)), (false, new(3, 11)), (false, new(6, 50))];

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        if (!server.HasFrontends)
        {
            return [.. Cases.Select(_ => double.NaN)];
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
                await Run(servers, true, new Flight(1, 11), seed, Warm).ConfigureAwait(false);
                await Run(servers, false, new Flight(1, 11), seed, Warm).ConfigureAwait(false);
            }

            List<double> ratios = [];
            foreach ((bool puts, Flight flight) in Cases)
            {
                double three = await Measure(servers, puts, flight with { Connections = flight.Connections / Frontends }, seed)
                    .ConfigureAwait(false);
                double one = await Measure([server], puts, flight, seed).ConfigureAwait(false);
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

    /// <summary>Requests per second.</summary>
    private async Task<double> Measure(List<Server> frontends, bool puts, Flight each, int seed)
    {
        double pace = await Run(frontends, puts, each, seed, First).ConfigureAwait(false); // warms up, too
        return await Run(frontends, puts, each, seed, (long)(pace * Options.Seconds)).ConfigureAwait(false);
    }

    /// <summary>Requests per second over all frontends, until the last of them is done.</summary>
    /// <exception cref="BenchException">The revision did not move by the number of puts.</exception>
    private async Task<double> Run(List<Server> frontends, bool puts, Flight each, int seed, long count)
    {
        count = Math.Max(count / frontends.Count, each.Requests);
        (string method, Message request) = puts
            ? ("KV/Put", Requests.Put(Requests.Keys))
            : ("KV/Range", Requests.Range(serializable: false));
        long before = await frontends[0].Client.Revision().ConfigureAwait(false);
        LoadResult[] results = await Task.WhenAll(frontends.Select((frontend, i) => h2load.Run(
            frontend.Port, method, request, new(Keys, Seed: seed + i), each, count))).ConfigureAwait(false);
        long moved = await frontends[0].Client.Revision().ConfigureAwait(false) - before;
        return moved == (puts ? count * frontends.Count : 0)
            ? count * frontends.Count / results.Max(result => result.Seconds)
            : throw new BenchException(
                $"{count * frontends.Count} {method} over {frontends.Count} frontends moved the revision by {moved}");
    }
}
