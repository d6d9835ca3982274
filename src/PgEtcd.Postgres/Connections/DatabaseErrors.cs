using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>Classifies Npgsql's exceptions: try again on a new connection, or give up. If PostgreSQL has answered, the SQLSTATE decides;
/// any other exception means that there was no answer, whatever Npgsql met when the connection broke.</summary>
public static class DatabaseErrors
{
    /// <summary>Whether the server may answer on another connection, now or soon: the connection broke; the server restarts, is (still) a
    /// standby, is out of connections or has another password; or the server chose this statement to break a deadlock.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        PostgresException { SqlState: var state } =>
            state.StartsWith("08", StringComparison.Ordinal)    // connection exceptions
            || state.StartsWith("57P", StringComparison.Ordinal) // admin shutdown, crash, starting up
            || state is PostgresErrorCodes.ReadOnlySqlTransaction // the old primary, or not yet the new one
                or PostgresErrorCodes.TooManyConnections
                or PostgresErrorCodes.InvalidPassword // it is being changed
                or PostgresErrorCodes.SerializationFailure
                or PostgresErrorCodes.DeadlockDetected
                or PostgresErrorCodes.LockNotAvailable // the role's lock_timeout, behind a pooler
                or PostgresErrorCodes.QueryCanceled // the frontend's own time limit on a statement
                or "25P03", // idle in transaction for too long
        NpgsqlException => true, // no answer from the server: broken connection, time limit
        TimeoutException or IOException or SocketException or ObjectDisposedException => true,
        // Mistakes of this program, and its own limits.
        OperationCanceledException or ArgumentException or InvalidCastException or NotSupportedException => false,
        _ => exception.StackTrace?.Contains($" at {nameof(Npgsql)}.", StringComparison.Ordinal) == true,
    };

    /// <summary>Whether PostgreSQL has run out of disk space, etcd's NOSPACE.</summary>
    public static bool IsOutOfSpace(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.DiskFull };

    /// <summary>Whether an exception is about a certificate, key or password file that an address names.</summary>
    internal static bool IsAboutFile(Exception exception) =>
        exception is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException or CryptographicException;

    /// <summary>Whether an exception is about an address: a value in it, or a file that it names.</summary>
    internal static bool IsAboutAddress(Exception exception) => IsAboutFile(exception) || IsAboutValue(exception);

    /// <summary>Whether an exception is about a value that Npgsql accepts in a connection string and checks later.</summary>
    internal static bool IsAboutValue(Exception exception) => exception
        is (ArgumentException or InvalidOperationException or NotSupportedException or FormatException) and not ObjectDisposedException;
}
