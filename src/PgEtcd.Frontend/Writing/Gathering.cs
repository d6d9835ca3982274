namespace PgEtcd.Frontend.Writing;

/// <summary>Waits for the clients that have just been answered to come again, while several frontends write. Each append waits for those of
/// the others then, so few large batches do more than many small ones; and without waiting the clients of a frontend fall into two
/// halves, of which one is in the append while the other gathers.</summary>
internal sealed class Gathering(TimeProvider clock)
{
    /// <summary>Fewer writes are not worth it.</summary>
    private const int Least = 4;

    /// <summary>Clients that do not come within this time are not waited for during so many batches.</summary>
    private const int Pause = 32;

    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(2);

    private int _paused;

    /// <summary>Whether to wait, after so many writes were answered.</summary>
    public bool Pays(int answered) => answered >= Least && (_paused == 0 || --_paused == 0);

    /// <summary>Waits a little at most.</summary>
    /// <param name="gathered">Ends when they have come (<see cref="WriteQueue.GatherAsync"/>).</param>
    public async Task WaitAsync(Task gathered)
    {
        await Task.WhenAny(gathered, Task.Delay(Limit, clock));
        if (!gathered.IsCompleted)
        {
            _paused = Pause;
        }
    }
}
