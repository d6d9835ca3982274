using System.Diagnostics;

namespace PgEtcd.Bench.Streams;

/// <summary>Keep-alives per second: ten streams with a thousand leases each, 5 or 500 requests in flight on each.</summary>
public sealed class KeepAlives(Options options) : StreamCase(
    options, new RowHead("lease keep-alives 50", "/s"), new RowHead("lease keep-alives 5000", "/s"))
{
    private const int Streams = 10;
    private const int Seconds = 3600;
    private readonly int _each = options.Quick ? 100 : 1000;
    private readonly Dictionary<Server, long[][]> _leases = [];

    public override async Task Prepare(Server server) =>
        _leases[server] = await OnThreads(i => Grant(server)).ConfigureAwait(false);

    public override async Task<IReadOnlyList<double>> Turn(Server server, int seed)
    {
        await Rate(5, Options.Seconds / 3).ConfigureAwait(false);
        return [await Rate(5, Options.Seconds).ConfigureAwait(false), await Rate(500, Options.Seconds).ConfigureAwait(false)];

        async Task<double> Rate(int inFlight, double seconds) =>
            (await OnThreads(i => KeepAlive(server, _leases[server][i], inFlight, seconds)).ConfigureAwait(false)).Sum();
    }

    private long[] Grant(Server server)
    {
        const int Id = 2;
        using Http2Connection connection = new(server.Port);
        byte[] request = Requests.Grant(Seconds).ToArray();
        return [.. Enumerable.Range(0, _each).Select(
            _ => Message.Read(connection.Call("Lease/LeaseGrant", request)).First(field => field.Field == Id).Number)];
    }

    /// <returns>Answers per second.</returns>
    /// <exception cref="BenchException">An answer was for another lease than the next one, or without the full TTL.</exception>
    private static double KeepAlive(Server server, long[] leases, int inFlight, double seconds)
    {
        using Http2Connection connection = new(server.Port);
        connection.Begin("Lease/LeaseKeepAlive");
        (long sent, long answered) = (0L, 0L);
        long start = Stopwatch.GetTimestamp();
        while (sent < inFlight)
        {
            Send();
        }

        while (answered < sent)
        {
            if (!connection.Read(out ReadOnlySpan<byte> response))
            {
                throw new BenchException("the server ended a keep-alive stream");
            }

            Check(response, leases[answered++ % leases.Length]);
            if (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
            {
                Send();
            }
        }

        return answered / Stopwatch.GetElapsedTime(start).TotalSeconds;

        void Send() => connection.Send(new Message().Number(1, leases[sent++ % leases.Length]).ToArray());
    }

    private static void Check(ReadOnlySpan<byte> response, long lease)
    {
        const int Id = 2, Ttl = 3;
        (long id, long ttl) = (0L, 0L);
        Fields fields = new(response);
        while (fields.Next())
        {
            if (fields.Field == Id)
            {
                id = fields.Number;
            }

            if (fields.Field == Ttl)
            {
                ttl = fields.Number;
            }
        }

        if (id != lease || ttl != Seconds)
        {
            throw new BenchException($"a keep-alive of lease {lease} returned lease {id} and TTL {ttl}");
        }
    }

    private static Task<T[]> OnThreads<T>(Func<int, T> work) => Task.WhenAll(Enumerable.Range(0, Streams).Select(i =>
        Task.Factory.StartNew(() => work(i), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
}
