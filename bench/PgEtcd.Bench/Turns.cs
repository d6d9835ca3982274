using System.Diagnostics;

namespace PgEtcd.Bench;

/// <summary>The order in which servers are measured.</summary>
public static class Turns
{
    /// <summary>Runs rounds of A B B A, as the second server has been seen to gain.</summary>
    /// <param name="servers">One or two servers.</param>
    /// <param name="options">The number of rounds, and the seed of the first.</param>
    /// <param name="turn">Runs one turn of one server with a seed, which is the same for both servers.</param>
    /// <returns>Why the row is invalid, or null.</returns>
    public static async Task<string?> Take(IReadOnlyList<Server> servers, Options options, Func<Server, int, Task> turn)
    {
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach ((Server? server, int place) in servers.Concat(servers.Reverse()).Select((server, place) => (server, place)))
            {
                try
                {
                    await Quiet().ConfigureAwait(false);
                    await turn(server, options.Seed + (1000 * round) + (10 * (place / servers.Count))).ConfigureAwait(false);
                }
                catch (BenchException e)
                {
                    return $"{server.Name}: {e.Message.ReplaceLineEndings(" ")}";
                }
            }
        }

        return null;
    }

    /// <summary>Writes back pages that the previous turn left dirty, so that the next does not pay for them.</summary>
    private static async Task Quiet()
    {
        using Process sync = System.Diagnostics.Process.Start("sync");
        await sync.WaitForExitAsync().ConfigureAwait(false);
        await Task.Delay(200).ConfigureAwait(false); // for background work of the last turn: etcd commits its backend every 100 ms
    }
}
