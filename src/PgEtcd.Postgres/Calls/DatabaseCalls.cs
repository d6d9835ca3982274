using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Calls;

/// <summary>Asking the database on behalf of a request that has only so much time.</summary>
public static class DatabaseCalls
{
    /// <summary>Repeats what fails because of the connection until it succeeds or the time is up.</summary>
    /// <param name="database">Where to ask.</param>
    /// <param name="timeLimit">How long to go on. What is left of a longer time may be nothing: then it is tried for a moment.</param>
    /// <param name="ask">What may be repeated.</param>
    /// <exception cref="StoreUnavailableException">The time is up.</exception>
    public static async Task<T> InTimeAsync<T>(this Database database, TimeSpan timeLimit, Func<CancellationToken, Task<T>> ask)
    {
        using CancellationTokenSource limit = new(timeLimit > TimeSpan.Zero ? timeLimit : TimeSpan.FromMilliseconds(1));
        try
        {
            return await database.Retry.ExecuteAsync(async token => await ask(token), limit.Token);
        }
        catch (Exception exception) when (limit.IsCancellationRequested || DatabaseErrors.IsTransient(exception))
        {
            throw new StoreUnavailableException(exception);
        }
    }
}
