namespace PgEtcd.Postgres.Calls;

/// <summary>What a frontend goes through once before it serves, so that the first requests of its clients find compiled code, open
/// connections and prepared statements. It is neither measured nor traced nor called slow.</summary>
public static class Rehearsal
{
    private static readonly AsyncLocal<bool> Here = new();

    /// <summary>Only while one runs need the flow be asked.</summary>
    private static int _running;

    /// <summary>Whether what runs now is part of one.</summary>
    public static bool IsOn => Volatile.Read(ref _running) > 0 && Here.Value;

    /// <summary>Rehearses. What fails there, fails: requests will tell.</summary>
    /// <param name="timeLimit">How long it may take.</param>
    /// <param name="rehearse">What to do.</param>
    public static async Task RunAsync(TimeSpan timeLimit, Func<CancellationToken, Task> rehearse)
    {
        using CancellationTokenSource limit = new(timeLimit);
        Interlocked.Increment(ref _running);
        Here.Value = true;
        try
        {
            await rehearse(limit.Token).WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
