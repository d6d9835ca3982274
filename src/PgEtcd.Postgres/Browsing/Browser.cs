using Npgsql;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Browsing;

/// <summary>Queries the views and functions of docs/sql.md for the console: a few queries at a time, each with a time limit, so that
/// they do not delay the frontend's own work.</summary>
public sealed class Browser(Database database) : IDisposable
{
    private const int MostAtOnce = 4;

    /// <summary>Seconds. People wait no longer, and the limit stops a query that reads too much.</summary>
    private const int TimeLimit = 15;

    private readonly SemaphoreSlim _turns = new(MostAtOnce);

    /// <summary>All rows of a query.</summary>
    /// <inheritdoc cref="AskAsync"/>
    internal Task<List<T>> ListAsync<T>(string sql, CancellationToken gone, params SqlValue[] values) =>
        AskAsync(sql, command => command.ListAsync<T>(gone), gone, values);

    /// <summary>The first row of a query; the default of <typeparamref name="T"/> if there is none.</summary>
    /// <inheritdoc cref="AskAsync"/>
    internal Task<T?> FirstAsync<T>(string sql, CancellationToken gone, params SqlValue[] values) =>
        AskAsync(sql, command => command.FirstAsync<T>(gone), gone, values);

    /// <summary>Runs a query in its turn.</summary>
    /// <param name="sql">SQL written for the default schema.</param>
    /// <param name="read">Runs the command.</param>
    /// <param name="gone">Ends the query.</param>
    /// <param name="values">The query's <c>$1</c>, <c>$2</c> …</param>
    /// <exception cref="RefusedException">The revision is compacted or in the future, or the query takes too long.</exception>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    internal async Task<T> AskAsync<T>(
        string sql, Func<NpgsqlCommand, Task<T>> read, CancellationToken gone, params SqlValue[] values)
    {
        await _turns.WaitAsync(gone);
        try
        {
            NpgsqlCommand command = database.Command(sql, values);
            command.CommandTimeout = TimeLimit;
            return await read(command);
        }
        catch (PostgresException refused) when (refused.SqlState is "PE001" or "PE002")
        {
            Refusal reason = refused.SqlState is "PE001" ? Refusal.Compacted : Refusal.Future;
            throw new RefusedException(reason, refused.Detail ?? refused.MessageText);
        }
        catch (Exception slow) when (slow is PostgresException { SqlState: PostgresErrorCodes.QueryCanceled }
            or NpgsqlException { InnerException: TimeoutException })
        {
            throw new RefusedException(Refusal.TooSlow, $"PostgreSQL needs more than {TimeLimit} s for it.");
        }
        catch (Exception lost) when (DatabaseErrors.IsTransient(lost) && !gone.IsCancellationRequested)
        {
            throw new StoreUnavailableException(lost);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();
}

/// <summary>The reason for a query without a result.</summary>
public enum Refusal
{
    /// <summary>The revision is compacted and not in the archive.</summary>
    Compacted,

    /// <summary>The revision or time is in the future.</summary>
    Future,

    /// <summary>The query would take too long.</summary>
    TooSlow,
}

/// <summary>A query has no result. The message is a sentence for people.</summary>
public sealed class RefusedException(Refusal refusal, string message) : Exception(message)
{
    /// <summary>The reason.</summary>
    public Refusal Refusal => refusal;
}
