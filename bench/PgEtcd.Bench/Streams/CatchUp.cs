using System.Diagnostics;

namespace PgEtcd.Bench.Streams;

/// <summary>A watcher that starts 100,000 events, and as many revisions, ago: events per second until it is up to date.</summary>
public sealed class CatchUp(WatchedPuts puts, Options options) : StreamCase(
    options, new RowHead("watch catch-up of 100k events", "s"), new RowHead("watch catch-up, events", "/s"))
{
    private readonly int _events = options.Quick ? 10_000 : 100_000;
    private readonly Dictionary<Server, (long First, long Last)> _past = [];

    public override async Task Prepare(Server server)
    {
        long before = await server.Client.Revision().ConfigureAwait(false);
        await puts.Run(server, Flight.Of(500), _events, _events, 1).ConfigureAwait(false);
        _past[server] = (before + 1, before + _events);
    }

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        (long first, long last) = _past[server];
        EveryRevision log = new(1, first - 1);
        log.Expect(last);
        using WatchCall stream = new(server.Port, log);
        long start = Stopwatch.GetTimestamp();
        stream.Create(1, Requests.WatchedKeys, first);
        double seconds = Stopwatch.GetElapsedTime(start, await log.Done().ConfigureAwait(false)).TotalSeconds;

        // On to a put made now: the transition from the past to the present loses and repeats nothing.
        long now = await server.Client.Revision().ConfigureAwait(false);
        log.Expect(now + 1);
        await WatchedPuts.Last(server).ConfigureAwait(false);
        await log.Done().ConfigureAwait(false);
        return [seconds, _events / seconds];
    }
}
