using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Revisions;

/// <summary>Wakes the tail when another frontend, or an SQL session, has appended. A notification is a hint: if none comes, or the
/// connection is lost, the clock wakes the tail.</summary>
public sealed class LogListener(Database database, RevisionLog log, ILogger<LogListener> logger)
{
    /// <summary>The longest silence before the tail is read anyway.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    /// <summary>Polls without a notification after which the connection is checked. The polls do the work of a lost connection, so there
    /// is no hurry, and each check is a statement that an idle database need not answer otherwise.</summary>
    private const int PollsPerHeartbeat = 4;

    /// <summary>Runs until cancelled.</summary>
    /// <param name="wake">Called with the announced head, or with null by the clock.</param>
    /// <param name="cancellationToken">Ends the listening.</param>
    public Task RunAsync(Func<long?, Task> wake, CancellationToken cancellationToken) =>
        new BackgroundLoop("following the log", TimeProvider.System, logger).RunAsync(
            TimeSpan.Zero, token => ListenOrPollAsync(wake, token), cancellationToken, startsAtOnce: true);

    private async Task ListenOrPollAsync(Func<long?, Task> wake, CancellationToken cancellationToken)
    {
        try
        {
            await ListenAsync(wake, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            DatabaseMetrics.ListenLosses.Add(1);
            Log.ListenLost(logger, exception.GetBaseException().Message);
            await Task.Delay(Poll, cancellationToken);
            await wake(null);
            throw;
        }
    }

    private async Task ListenAsync(Func<long?, Task> wake, CancellationToken cancellationToken)
    {
        // Not a pooled connection, because LISTEN is session state. The time limit is for the heartbeat: a half-open connection has
        // hung for a quarter of an hour (postgres.md §1).
        await using NpgsqlConnection connection = await database.OpenUnpooledAsync(commandTimeout: 2, cancellationToken);
        long? announced = null;
        connection.Notification += (_, notification) =>
            announced = Announced(notification.Payload) is { } head ? Math.Max(announced ?? 0, head) : announced;
        if (await IsPooledAsync(connection, cancellationToken))
        {
            await connection.CloseAsync();
            Log.Pooled(logger, (int)Poll.TotalMilliseconds);
            while (true)
            {
                DatabaseMetrics.Polled.Add(1);
                await wake(null);
                await Task.Delay(Poll, cancellationToken);
            }
        }

        await database.Command(connection, $"listen {database.Schema.Quoted}").RunAsync(cancellationToken);
        await wake(null); // for the rows that were appended before the LISTEN
        int silent = 0;
        while (true)
        {
            bool notified = await connection.WaitAsync(Poll, cancellationToken);
            long? head = announced;
            announced = null;
            silent = notified ? 0 : silent + 1;
            if (silent == PollsPerHeartbeat)
            {
                silent = 0;
                await database.Command(connection, "select 1").RunAsync(cancellationToken);
            }

            if (head is not null || !notified)
            {
                (notified ? DatabaseMetrics.Notified : DatabaseMetrics.Polled).Add(1);
                await wake(head);
            }
        }
    }

    /// <summary>Whether a pooler is in front of PostgreSQL: it invents the process id that it announces. A pooler in transaction mode would
    /// run the LISTEN in a session that it hands to others, and Npgsql hangs if a notification arrives while a connection is being
    /// opened.</summary>
    private async Task<bool> IsPooledAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (int)(await database.Command(connection, "select pg_backend_pid()").ScalarAsync(cancellationToken))! != connection.ProcessID;

    /// <summary>The revision in <c>REVISION FRONTEND</c>; null for an append of this frontend. A notification without a frontend is not
    /// about an append but, for instance, about a compaction: the head may not have moved, so the result is beyond any known
    /// revision.</summary>
    private long? Announced(string payload)
    {
        ReadOnlySpan<char> text = payload;
        int space = text.IndexOf(' ');
        return space < 0 ? long.MaxValue
            : !log.IsOwn(text[(space + 1)..]) && long.TryParse(text[..space], CultureInfo.InvariantCulture, out long head) ? head
            : null;
    }
}
