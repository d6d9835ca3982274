namespace PgEtcd.Bench;

/// <summary>Runs one case against one server, and checks that the answers were good.</summary>
public sealed class WorkloadRun(H2Load h2load, Options options)
{
    /// <summary>Requests of each kind until a server is warm: .NET recompiles hot code with more optimization.</summary>
    private const long WarmRequests = 150_000;

    private readonly Dictionary<(string, string), double> _rates = [];

    /// <summary>Puts 100 keys per transaction, in order, until <paramref name="keys"/> exist under the prefix.</summary>
    /// <returns>Seconds taken, and the revision that the first transaction made.</returns>
    /// <exception cref="BenchException">The revision or the count afterwards is wrong.</exception>
    public async Task<(double Seconds, long FirstRevision)> Load(Server server, string prefix, long keys, int streams)
    {
        long before = await server.Client.Revision().ConfigureAwait(false);
        long txns = keys / Requests.PutsPerTxn;
        LoadResult result = await h2load.Run(
            server.Port, "KV/Txn", Requests.PutMany(prefix), new(keys, Once: true), new(1, (int)Math.Min(streams, txns)), txns)
            .ConfigureAwait(false);
        long after = await server.Client.Revision().ConfigureAwait(false);
        long count = await server.Client.Count(prefix).ConfigureAwait(false);
        return after - before == txns && count >= keys
            ? (result.Seconds, before + 1)
            : throw new BenchException(
                $"{server.Name}: loading {keys} keys moved the revision by {after - before}, not {txns}, and left {count} keys");
    }

    /// <summary>Puts random keys as often as --history says.</summary>
    public async Task WriteHistory(Server server)
    {
        if (options.History > 0)
        {
            Workload puts = Workload.All.First(workload => workload.Name == "put 500");
            Numbers anyKey = puts.Numbers with { Seed = options.Seed };
            await h2load.Run(server.Port, puts.Method, puts.Request, anyKey, Flight.Of(puts.InFlight), options.History)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Warms up a server that has just started, with many puts and reads.</summary>
    public async Task WarmUp(Server server)
    {
        if (options.Cold)
        {
            return;
        }

        foreach (Workload? workload in Workload.All.Where(workload => workload.Name is "put 50" or "put 500" or "range linearizable 50"))
        {
            await h2load.Run(
                server.Port, workload.Method, workload.Request, workload.Numbers with { Seed = options.Seed },
                Flight.Of(workload.InFlight), WarmRequests).ConfigureAwait(false);
        }
    }

    /// <summary>One turn: find the pace, warm up, measure.</summary>
    /// <exception cref="BenchException">A request failed.</exception>
    public async Task<Sample> Turn(Workload workload, Server server, int seed)
    {
        Flight flight = Flight.Of(workload.InFlight);
        if (!_rates.TryGetValue((workload.Name, server.Name), out double rate))
        {
            rate = await Pace(workload, server, flight, seed).ConfigureAwait(false);
        }

        long warmUp = Math.Max((long)(rate * Math.Min(1, options.Seconds / 3)), flight.Requests);
        long measured = Math.Max((long)(rate * options.Seconds), flight.Requests);

        long timed = Math.Max(measured / 5, flight.Requests);
        Numbers numbers = workload.Numbers with { Seed = seed };
        if (workload.Effect == Effect.CompareAndSwap)
        {
            numbers = await PrepareSwaps(server, warmUp + measured + timed, numbers).ConfigureAwait(false);
        }

        await Settle(server).ConfigureAwait(false);
        await h2load.Run(server.Port, workload.Method, workload.Request, numbers, flight, warmUp).ConfigureAwait(false);

        (long Revision, double Bytes) before = await Check(workload, server).ConfigureAwait(false);
        double cpu = server.CpuSeconds();
        LoadResult result = await h2load.Run(
            server.Port, workload.Method, workload.Request, numbers with { Seed = seed + 1, First = warmUp }, flight,
            measured).ConfigureAwait(false);
        cpu = server.CpuSeconds() - cpu;
        LoadResult latency = await h2load.Run(
            server.Port, workload.Method, workload.Request, numbers with { Seed = seed + 2, First = warmUp + measured }, flight, timed,
            latencies: true).ConfigureAwait(false);
        (long Revision, double Bytes) after = await Check(workload, server).ConfigureAwait(false);

        long moved = after.Revision - before.Revision;
        long expected = workload.Effect == Effect.Read ? 0 : measured + timed;
        if (moved != expected)
        {
            throw new BenchException($"{measured + timed} requests moved the revision by {moved}, not {expected}");
        }

        double each = (double)(result.DataBytes + latency.DataBytes) / (measured + timed);
        if (each < before.Bytes)
        {
            throw new BenchException($"answers had {each:F1} bytes on average, but a good one has at least {before.Bytes}");
        }

        _rates[(workload.Name, server.Name)] = result.Rate;
        return new(result.Rate, latency.P50, latency.P99, cpu / measured * 1e6);
    }

    /// <summary>
    /// etcd before 3.4.24 copies its buffer of uncommitted writes for each read, at the size of its largest burst,
    /// until it commits something that is not a key (etcd PR 15195): reads after many puts are three times slower.
    /// Granting a lease, on both servers, ends that, so that etcd is measured at its best.
    /// </summary>
    private static async Task Settle(Server server)
    {
        TimeSpan commit = TimeSpan.FromMilliseconds(250); // etcd commits its backend every 100 ms
        await Task.Delay(commit).ConfigureAwait(false);
        await server.Client.Call("Lease/LeaseGrant", new Message().Number(1, 3600).ToArray()).ConfigureAwait(false);
        await Task.Delay(commit).ConfigureAwait(false);
    }

    /// <summary>Makes two short runs: the first wakes the server, the second measures its requests per second.</summary>
    private async Task<double> Pace(Workload workload, Server server, Flight flight, int seed)
    {
        long requests = flight.Requests * 4L;
        double rate = 0.0;
        for (int i = 0; i < 2; i++)
        {
            Numbers numbers = workload.Numbers with { Seed = seed };
            if (workload.Effect == Effect.CompareAndSwap)
            {
                numbers = await PrepareSwaps(server, requests, numbers).ConfigureAwait(false);
            }

            rate = (await h2load.Run(server.Port, workload.Method, workload.Request, numbers, flight, requests).ConfigureAwait(false)).Rate;
            requests = Math.Max(requests, (long)(rate * Math.Min(0.5, options.Seconds / 2)));
        }

        return rate;
    }

    /// <summary>
    /// Loads keys in order over one stream, so that the mod_revision of each is known and every swap can succeed.
    /// The swaps then visit each key once, in a scattered order.
    /// </summary>
    private async Task<Numbers> PrepareSwaps(Server server, long swaps, Numbers numbers)
    {
        const long Stride = 61_803_397; // a prime larger than any count here, so it meets every number once
        long keys = (swaps + Requests.PutsPerTxn - 1) / Requests.PutsPerTxn * Requests.PutsPerTxn;
        (double _, long first) = await Load(server, Requests.CasKeys, keys, 1).ConfigureAwait(false);
        return numbers with { Count = keys, Stride = Stride, RevisionBase = first };
    }

    /// <summary>Checks status, content and key count by single calls. Returns the revision and the least size of an answer.</summary>
    private static async Task<(long Revision, double Bytes)> Check(Workload workload, Server server)
    {
        long keys = await server.Client.Count(Requests.Keys).ConfigureAwait(false);
        if (keys != Requests.KeyCount)
        {
            throw new BenchException($"the store holds {keys} keys, not {Requests.KeyCount}");
        }

        if (workload.Effect != Effect.Read)
        {
            // Every header has at least a revision, so any answer except an error is longer than the prefix alone.
            return (await server.Client.Revision().ConfigureAwait(false), 5 + 2);
        }

        byte[] response = await server.Client.Call(workload.Method, workload.Request.ToArray()).ConfigureAwait(false);
        List<ReadOnlyMemory<byte>> values = Message.Read(response).Where(field => field.Field == 2)
            .Select(pair => Message.Read(pair.Bytes).First(field => field.Field == 5).Bytes).ToList();
        if (values.Count != workload.Keys || values.Any(value => !value.Span.SequenceEqual(Requests.Value)))
        {
            throw new BenchException($"a sample answer holds {values.Count} keys, not {workload.Keys}, or wrong values");
        }

        if (workload.Keys == 10 && Message.Read(response).First(field => field.Field == 4).Number != Requests.KeyCount)
        {
            throw new BenchException("a sample answer has a wrong count");
        }

        // Revisions and versions are varints, so other keys may take a few bytes less than the sample.
        return (EtcdClient.HeaderRevision(response), 5 + response.Length - 8.0 * workload.Keys);
    }
}

/// <summary>The measurements of one turn: requests per second, latencies and server CPU per request in microseconds.</summary>
public sealed record Sample(double Rate, double P50, double P99, double Cpu);
