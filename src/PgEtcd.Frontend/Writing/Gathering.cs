namespace PgEtcd.Frontend.Writing;

/// <summary>While several frontends write, waits for the next writes of the clients that have just been answered. Appends then wait for
/// those of other frontends, so a few large batches achieve more than many small ones. Without the wait, a frontend's clients split into
/// two halves: one in the append, the other gathering.</summary>
internal sealed class Gathering(TimeProvider clock)
{
    /// <summary>Fewest answered writes for which a wait pays.</summary>
    private const int Least = 4;

    /// <summary>Batches until the next wait, after one in which the clients did not come back in time.</summary>
    private const int Pause = 32;

    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(2);

    private int _paused;

    /// <summary>Whether to wait after this number of writes was answered.</summary>
    public bool Pays(int answered) => answered >= Least && (_paused == 0 || --_paused == 0);

    /// <summary>Waits for a few milliseconds at most.</summary>
    /// <param name="gathered">Completes when the clients have come back (<see cref="WriteQueue.GatherAsync"/>).</param>
    public async Task WaitAsync(Task gathered)
    {
        await Task.WhenAny(gathered, Task.Delay(Limit, clock));
        if (!gathered.IsCompleted)
        {
            _paused = Pause;
        }
    }
}
