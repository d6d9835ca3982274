namespace PgEtcd.Postgres.Calls;

/// <summary>Work that a frontend does once before it serves, so that its clients' first requests find compiled code, open connections
/// and prepared statements. It is not measured, traced or logged as slow.</summary>
public static class Rehearsal
{
    private static readonly AsyncLocal<bool> Here = new();

    /// <summary>The number of rehearsals under way. The async flow is examined only if there are any.</summary>
    private static int _running;

    /// <summary>Whether the caller is part of a rehearsal.</summary>
    public static bool IsOn => Volatile.Read(ref _running) > 0 && Here.Value;

    /// <summary>Rehearses. Failures are ignored: real requests will report them.</summary>
    /// <param name="timeLimit">Time limit.</param>
    /// <param name="rehearse">The work.</param>
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
