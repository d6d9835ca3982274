using System.Diagnostics;

namespace PgEtcd.Bench;

/// <summary>The order in which servers are measured.</summary>
public static class Turns
{
    /// <summary>Takes rounds of A B B A: whoever comes second has been seen to gain.</summary>
    /// <param name="servers">One or two.</param>
    /// <param name="options">How many rounds, and the seed of the first.</param>
    /// <param name="turn">One turn of one server, with its seed, which both servers get alike.</param>
    /// <returns>Why the row does not count, or null.</returns>
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

    /// <summary>Writes back what the one before left dirty, so that the next does not pay for it.</summary>
    private static async Task Quiet()
    {
        using Process sync = System.Diagnostics.Process.Start("sync");
        await sync.WaitForExitAsync().ConfigureAwait(false);
        await Task.Delay(200).ConfigureAwait(false); // what the last turn left running: etcd commits its backend every 100 ms
    }
}
