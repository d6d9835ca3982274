using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>Sorts the exceptions of Npgsql: try again on a new connection, or give up. An answer of PostgreSQL is what its SQLSTATE
/// says; anything else means that there was no answer, whatever Npgsql stumbled over when the connection broke.</summary>
public static class DatabaseErrors
{
    /// <summary>True when the server may answer on another connection, now or soon: the connection broke, the server
    /// restarts, it is (still) a standby, it is out of connections, it has another password than we, or it picked this statement to break a
    /// deadlock.</summary>
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
                or PostgresErrorCodes.QueryCanceled // our own time limit on a statement
                or "25P03", // idle in transaction for too long
        NpgsqlException => true, // no answer from the server: broken connection, time limit
        TimeoutException or IOException or SocketException or ObjectDisposedException => true,
        // Our own mistakes, and our own limits.
        OperationCanceledException or ArgumentException or InvalidCastException or NotSupportedException => false,
        _ => exception.StackTrace?.Contains($" at {nameof(Npgsql)}.", StringComparison.Ordinal) == true,
    };

    /// <summary>True when PostgreSQL has run out of disk: what etcd calls NOSPACE.</summary>
    public static bool IsOutOfSpace(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.DiskFull };

    /// <summary>Exceptions about the certificates, keys and password files that an address names.</summary>
    internal static bool IsAboutFile(Exception exception) =>
        exception is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException or CryptographicException;

    /// <summary>Exceptions about values that Npgsql accepts in a connection string and checks late.</summary>
    internal static bool IsAboutValue(Exception exception) => exception
        is (ArgumentException or InvalidOperationException or NotSupportedException or FormatException) and not ObjectDisposedException;
}
