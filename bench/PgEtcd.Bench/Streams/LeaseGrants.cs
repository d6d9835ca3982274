namespace PgEtcd.Bench.Streams;

/// <summary>Leases granted per second, 50 requests in flight.</summary>
public sealed class LeaseGrants(H2Load h2load, Options options) : StreamCase(options, new RowHead("lease grants 50", "/s"))
{
    private const int Seconds = 3600; // none expires during the run
    private readonly Dictionary<Server, double> _pace = [];

    public override async Task Prepare(Server server)
    {
        await Grant(server, 200).ConfigureAwait(false);
        _pace[server] = await Grant(server, 1000).ConfigureAwait(false);
    }

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed) =>
        [await Grant(server, (long)(_pace[server] * Options.Seconds)).ConfigureAwait(false)];

    /// <exception cref="BenchException">The number of leases did not grow by the number of grants.</exception>
    private async Task<double> Grant(Server server, long count)
    {
        Flight flight = Flight.Of(50);
        count = Math.Max(count, flight.Requests);
        long before = await Leases(server).ConfigureAwait(false);
        LoadResult result = await h2load
            .Run(server.Port, "Lease/LeaseGrant", Requests.Grant(Seconds), new(1), flight, count).ConfigureAwait(false);
        long granted = await Leases(server).ConfigureAwait(false) - before;
        return granted == count ? result.Rate : throw new BenchException($"{count} grants made {granted} leases");
    }

    private static async Task<long> Leases(Server server)
    {
        const int Leases = 2;
        byte[] response = await server.Client.Call("Lease/LeaseLeases", []).ConfigureAwait(false);
        return Message.Read(response).LongCount(field => field.Field == Leases);
    }
}
