using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>The session that holds the append lock until its transaction ends (functions/lock.sql).</summary>
public sealed class AppendLockTable(Database database)
{
    private const string HolderSql =
        "select pid, since, began, state, wait_event, username, application, client, is_writer from pgetcd.lock_holder()";

    // A later session with the same process id does not count.
    private const string ThatSession = "from pg_stat_activity where pid = $1 and backend_start is not distinct from $2";
    private const string CancelSql = $"select pg_cancel_backend($1) {ThatSession}";
    private const string TerminateSql = $"select pg_terminate_backend($1) {ThatSession}";

    /// <summary>The session that holds the append lock, or blocks its holder, while another session waits for the lock; null if there is
    /// none.</summary>
    public Task<LockHolder?> HolderAsync(CancellationToken cancellationToken) =>
        database.Command(HolderSql).FirstAsync<LockHolder>(cancellationToken);

    /// <summary>Cancels the session's statement; its transaction fails and releases the lock.</summary>
    /// <returns>False if the session is gone.</returns>
    /// <exception cref="LockHolderException">The database user may not cancel it.</exception>
    public Task<bool> CancelAsync(LockHolder holder, CancellationToken cancellationToken) =>
        SignalAsync(CancelSql, holder, cancellationToken);

    /// <summary>Ends the session: a session that is idle in a transaction has no statement to cancel.</summary>
    /// <returns>False if the session is gone.</returns>
    /// <exception cref="LockHolderException">The database user may not end it.</exception>
    public Task<bool> TerminateAsync(LockHolder holder, CancellationToken cancellationToken) =>
        SignalAsync(TerminateSql, holder, cancellationToken);

    private async Task<bool> SignalAsync(string sql, LockHolder holder, CancellationToken cancellationToken)
    {
        try
        {
            return await database.Command(sql, holder.Pid, holder.Since).ScalarAsync(cancellationToken) is true;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new LockHolderException(refused.MessageText, refused);
        }
    }
}

/// <summary>A session that holds the append lock. Fields that the database user may not see are null.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Since">When the session began.</param>
/// <param name="Began">When its transaction began.</param>
/// <param name="State">Its state: <c>active</c>, <c>idle in transaction</c>, …</param>
/// <param name="WaitEvent">The event it waits for.</param>
/// <param name="Username">Its SQL role.</param>
/// <param name="Application">Its application name.</param>
/// <param name="Client">Its address; also null for a Unix socket.</param>
/// <param name="IsWriter">Whether it changes keys from SQL.</param>
public sealed record LockHolder(
    int Pid, DateTime? Since, DateTime? Began, string? State, string? WaitEvent, string? Username, string? Application, string? Client,
    bool IsWriter);

/// <summary>The database user may not cancel another role's session.</summary>
public sealed class LockHolderException(string message, Exception inner) : Exception(message, inner);
