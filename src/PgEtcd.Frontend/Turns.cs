namespace PgEtcd.Frontend;

/// <summary>Turns at work that only one caller, or a few, may do at a time.</summary>
internal static class Turns
{
    /// <summary>Waits for a turn and works.</summary>
    /// <param name="turns">The turns.</param>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<T> InTurnAsync<T>(
        this SemaphoreSlim turns, Func<Task<T>> work, CancellationToken cancellationToken = default)
    {
        await turns.WaitAsync(cancellationToken);
        try
        {
            return await work();
        }
        finally
        {
            turns.Release();
        }
    }
}
