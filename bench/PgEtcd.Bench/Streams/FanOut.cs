using System.Diagnostics;

namespace PgEtcd.Bench.Streams;

/// <summary>
/// Events per second when 1,000 watchers, 100 on each of ten streams, see every put. First each put waits until all watchers
/// have seen the previous one; then ten puts are in flight, so that events pile up and may be sent together.
/// </summary>
public sealed class FanOut(WatchedPuts puts, Options options) : StreamCase(
    options, new RowHead("fan-out to 1000: one put at a time", "/s"), new RowHead("fan-out to 1000: 10 in flight", "/s"),
    new RowHead("fan-out to 1000: CPU, one at a time", "µs/event"), new RowHead("fan-out to 1000: CPU, 10 in flight", "µs/event"))
{
    private const int Streams = 10;
    private const int Each = 100;
    private const int Watchers = Streams * Each;
    private const int Keys = 1000;

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        long revision = await server.Client.Revision().ConfigureAwait(false);
        EveryRevision log = new(Watchers, revision);
        IReadOnlyList<WatchCall> streams = await WatchCall
            .Open(server.Port, log, Streams, Each, _ => Requests.WatchedKeys).ConfigureAwait(false);
        try
        {
            await Task.Run(() => OneByOne(Options.Seconds / 3)).ConfigureAwait(false);
            (double Rate, double Cpu) alone = await Task.Run(() => OneByOne(Options.Seconds)).ConfigureAwait(false);

            double pace = 0.0;
            for (long count = 20L; count <= 100; count *= 5)
            {
                pace = (await Together(count).ConfigureAwait(false)).Rate;
            }

            (double Rate, double Cpu) together = await Together((long)(pace * Options.Seconds)).ConfigureAwait(false);

            log.Expect(++revision);
            await WatchedPuts.Last(server).ConfigureAwait(false);
            await log.Done().ConfigureAwait(false);
            return [alone.Rate * Watchers, together.Rate * Watchers, alone.Cpu / Watchers, together.Cpu / Watchers];
        }
        finally
        {
            foreach (WatchCall stream in streams)
            {
                stream.Dispose();
            }
        }

        // Both return puts per second, until the last watcher has seen the last put, and the server's CPU per put in microseconds.
        (double Rate, double Cpu) OneByOne(double seconds)
        {
            using Http2Connection connection = new(server.Port);
            byte[] put = Requests.PutOne(Requests.WatchedKeys, 0);
            int count = 0;
            double cpu = server.CpuSeconds();
            Stopwatch clock = Stopwatch.StartNew();
            for (; clock.Elapsed.TotalSeconds < seconds; count++)
            {
                log.Expect(++revision);
                connection.Call("KV/Put", put);
                log.Done().GetAwaiter().GetResult();
            }

            return (count / clock.Elapsed.TotalSeconds, (server.CpuSeconds() - cpu) / count * 1e6);
        }

        async Task<(double Rate, double Cpu)> Together(long count)
        {
            Flight flight = Flight.Of(10);
            count = WatchedPuts.Count(flight, count);
            revision += count;
            log.Expect(revision);
            double cpu = server.CpuSeconds();
            long start = Stopwatch.GetTimestamp();
            await puts.Run(server, flight, count, Keys, seed).ConfigureAwait(false);
            TimeSpan took = Stopwatch.GetElapsedTime(start, await log.Done().ConfigureAwait(false));
            return (count / took.TotalSeconds, (server.CpuSeconds() - cpu) / count * 1e6);
        }
    }
}
