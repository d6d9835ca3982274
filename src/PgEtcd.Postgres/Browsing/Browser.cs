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

    /// <summary>Runs a query in its turn.</summary>
    /// <exception cref="RefusedException">The revision is compacted or in the future, or the query takes too long.</exception>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    internal async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken gone)
    {
        await _turns.WaitAsync(gone);
        try
        {
            return await ask(gone);
        }
        catch (PostgresException refused) when (refused.SqlState is "PE001")
        {
            throw new RefusedException(Refusal.Compacted, refused.Detail ?? refused.MessageText);
        }
        catch (PostgresException refused) when (refused.SqlState is "PE002")
        {
            throw new RefusedException(Refusal.Future, refused.Detail ?? refused.MessageText);
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

    /// <summary>A command.</summary>
    /// <param name="sql">SQL written for the default schema.</param>
    /// <param name="values">Its <c>$1</c>, <c>$2</c> …</param>
    internal NpgsqlCommand Command(string sql, params ReadOnlySpan<SqlValue> values)
    {
        NpgsqlCommand command = database.Command(sql, values);
        command.CommandTimeout = TimeLimit;
        return command;
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
