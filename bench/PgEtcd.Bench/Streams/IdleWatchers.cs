namespace PgEtcd.Bench.Streams;

/// <summary>The memory of a watcher without events: the server's RSS with 10,000 of them minus RSS without, divided by 10,000.</summary>
public sealed class IdleWatchers(WatchedPuts puts, Options options) : StreamCase(options, new RowHead("memory of an idle watcher", "KB"))
{
    private const int Streams = 10;
    private const int Each = 1000;
    private readonly int _puts = options.Quick ? 5_000 : 20_000;

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        // Memory left by the watchers of the previous turn would be reused.
        await server.Stop().ConfigureAwait(false);
        await server.Start().ConfigureAwait(false);
        long before = await MemoryAfterPuts().ConfigureAwait(false);

        Silence log = new();
        IReadOnlyList<WatchCall> streams = await WatchCall
            .Open(server.Port, log, Streams, Each, watcher => Requests.Key("/registry/idle/", watcher)).ConfigureAwait(false);
        try
        {
            // The same work again, so that the collector had as much reason to collect as in the first measurement.
            long after = await MemoryAfterPuts().ConfigureAwait(false);
            return log.Broken is { } reason ? throw new BenchException(reason) : [(after - before) / 1024.0 / (Streams * Each)];
        }
        finally
        {
            foreach (WatchCall stream in streams)
            {
                stream.Dispose();
            }
        }

        async Task<long> MemoryAfterPuts()
        {
            await puts.Run(server, Flight.Of(500), _puts, 1000, seed).ConfigureAwait(false);
            return server.Memory().Rss;
        }
    }

    private sealed class Silence : IWatchLog
    {
        public string? Broken { get; private set; }

        public void Saw(int watcher, long modRevision, ReadOnlySpan<byte> key) => Failed($"watcher {watcher} saw an event of another key");

        public void Failed(string reason) => Broken = reason;
    }
}
