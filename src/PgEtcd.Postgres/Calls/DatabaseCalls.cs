using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Calls;

/// <summary>Calls to the database on behalf of a request with a time limit.</summary>
public static class DatabaseCalls
{
    /// <summary>Repeats a call that fails because of the connection until it succeeds or the time is up.</summary>
    /// <param name="database">The database.</param>
    /// <param name="timeLimit">Time for all attempts. If nothing is left of a longer limit, the call is still tried for a moment.</param>
    /// <param name="ask">The call, which may be repeated.</param>
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
