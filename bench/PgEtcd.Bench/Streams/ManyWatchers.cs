namespace PgEtcd.Bench.Streams;

/// <summary>Puts per second, 50 in flight, without watchers and with one on each of 10,000 keys, a thousand per stream.</summary>
public sealed class ManyWatchers(WatchedPuts puts, Options options) : StreamCase(
    options,
    new RowHead("watched puts: no watcher", "/s"),
    new RowHead("watched puts: 10,000 watchers", "/s"),
    new RowHead("watched puts: with over without", "x"))
{
    private const int Streams = 10;
    private readonly int _each = options.Quick ? 100 : 1000;
    private readonly Dictionary<Server, double> _pace = [];

    public override async Task Prepare(Server server)
    {
        // Every key exists before it is watched; the second run measures the pace.
        int keys = Streams * _each;
        await puts.Run(server, Flight.Of(500), keys, keys, 1).ConfigureAwait(false);
        _pace[server] = (await puts.Run(server, Flight.Of(50), 1000, keys, 2).ConfigureAwait(false)).Rate;
    }

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        (Flight? flight, int keys) = (Flight.Of(50), Streams * _each);
        long count = WatchedPuts.Count(flight, (long)(_pace[server] * Options.Seconds));
        double first = (await puts.Run(server, flight, count, keys, seed).ConfigureAwait(false)).Rate;
        double with = await WithWatchers().ConfigureAwait(false);
        double second = (await puts.Run(server, flight, count, keys, seed + 2).ConfigureAwait(false)).Rate;
        double without = (first + second) / 2;
        return [without, with, with / without];

        async Task<double> WithWatchers()
        {
            long before = await server.Client.Revision().ConfigureAwait(false);
            EveryPutOnce log = new(keys, before, (int)count + 1);
            IReadOnlyList<WatchCall> streams = await WatchCall.Open(
                server.Port, log, Streams, _each, watcher => Requests.Key(Requests.WatchedKeys, watcher - 1)).ConfigureAwait(false);
            try
            {
                LoadResult result = await puts.Run(server, flight, count, keys, seed + 1).ConfigureAwait(false);
                await WatchedPuts.Last(server).ConfigureAwait(false);
                await log.Done().ConfigureAwait(false);
                return result.Rate;
            }
            finally
            {
                foreach (WatchCall stream in streams)
                {
                    stream.Dispose();
                }
            }
        }
    }
}
