using System.Diagnostics;

namespace PgEtcd.Bench.Streams;

/// <summary>The time from sending a put to receiving its event, with one put at a time and one watcher.</summary>
public sealed class DeliveryLatency(Options options)
    : StreamCase(options, new RowHead("watch delivery, median", "ms"), new RowHead("watch delivery, p99", "ms"))
{
    private const int WarmUp = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        long before = await server.Client.Revision().ConfigureAwait(false);
        using SemaphoreSlim came = new(0);
        long arrival = 0L;
        EveryRevision log = new(1, before, _ =>
        {
            Volatile.Write(ref arrival, Stopwatch.GetTimestamp());
            came.Release();
        });
        using WatchCall stream = new(server.Port, log);
        stream.Create(1, Requests.WatchedKeys);
        await stream.Created(1).ConfigureAwait(false);

        // On a blocking thread, like the stream's, so that the thread pool does not affect the measurement.
        List<double> latencies = [];
        await Task.Factory.StartNew(Measure, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .ConfigureAwait(false);
        latencies.RemoveRange(0, WarmUp);
        latencies.Sort();
        return [latencies[latencies.Count / 2], latencies[latencies.Count * 99 / 100]];

        void Measure()
        {
            using Http2Connection connection = new(server.Port);
            Stopwatch clock = Stopwatch.StartNew();
            while (latencies.Count < 2 * WarmUp || clock.Elapsed.TotalSeconds < Options.Seconds)
            {
                long revision = before + latencies.Count + 1;
                byte[] put = Requests.PutOne(Requests.WatchedKeys, latencies.Count % 1000);
                log.Expect(revision);
                long sent = Stopwatch.GetTimestamp();
                long answered = EtcdClient.HeaderRevision(connection.Call("KV/Put", put));
                if (answered != revision)
                {
                    throw new BenchException($"a put returned revision {answered}, not {revision}");
                }

                if (!came.Wait(Patience))
                {
                    throw new BenchException($"the event of revision {revision} did not come");
                }

                latencies.Add(Stopwatch.GetElapsedTime(sent, Volatile.Read(ref arrival)).TotalMilliseconds);
            }

            // An event out of order is kept here without being announced.
            log.Done().GetAwaiter().GetResult();
        }
    }
}
