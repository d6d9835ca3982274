using System.Globalization;

namespace PgEtcd.Bench.Streams;

/// <summary>Puts under <see cref="Requests.WatchedKeys"/>. Nothing else moves the revision in these cases.</summary>
public sealed class WatchedPuts(H2Load h2load)
{
    /// <summary>Puts random keys with numbers below <paramref name="keys"/>.</summary>
    /// <exception cref="BenchException">The revision did not move by the number of puts.</exception>
    public async Task<LoadResult> Run(Server server, Flight flight, long count, int keys, int seed)
    {
        count = Count(flight, count);
        long before = await server.Client.Revision().ConfigureAwait(false);
        LoadResult result = await h2load.Run(
            server.Port, "KV/Put", Requests.Put(Requests.WatchedKeys), new(keys, Seed: seed), flight, count).ConfigureAwait(false);
        long moved = await server.Client.Revision().ConfigureAwait(false) - before;
        return moved == count
            ? result
            : throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"{count} puts moved the revision by {moved}"));
    }

    /// <summary>The number of puts that <see cref="Run"/> really makes for a requested number, as each stream makes at least one.</summary>
    public static long Count(Flight flight, long count) => Math.Max(count, flight.Requests);

    /// <summary>Makes one last put: by the time its event arrives, any duplicates have arrived too.</summary>
    public static Task<byte[]> Last(Server server) => server.Client.Call("KV/Put", Requests.PutOne(Requests.WatchedKeys, 0));
}
