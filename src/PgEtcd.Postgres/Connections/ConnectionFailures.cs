using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>Explains failures of a first connection to the operator.</summary>
/// <param name="address">The address of the connection.</param>
/// <param name="flag">The name of the flag with the address, for messages.</param>
internal sealed class ConnectionFailures(NpgsqlConnectionStringBuilder address, string flag)
{
    /// <summary>Time limit of a first connection to a port that refuses it, to a standby, or with a command that prints no password: long
    /// enough for a database that starts or is promoted at the same time, short enough for a mistyped address.</summary>
    private static readonly TimeSpan NobodyListensLimit = TimeSpan.FromSeconds(5);

    /// <summary>Gives up if the reason is permanent or has lasted too long.</summary>
    /// <exception cref="DatabaseStartException">The reason in a sentence.</exception>
    public void ThrowIfHopeless(Exception exception, TimeSpan elapsed, TimeSpan timeLimit)
    {
        // With several hosts, all reasons count: a temporary one is worth waiting for.
        Exception[] reasons = exception.InnerException is AggregateException several
            ? [.. several.Flatten().InnerExceptions]
            : [exception];
        SocketException?[] sockets = [.. reasons.Select(reason => reason as SocketException ?? reason.InnerException as SocketException)];
        string? sentence = reasons[0] switch
        {
            _ when reasons[0].GetBaseException() is PasswordCommandException failure && elapsed > NobodyListensLimit => failure.Message,
            StandbyException when elapsed > NobodyListensLimit =>
                $"the PostgreSQL at '{address.Host}' port {address.Port} is a standby, which takes no writes",
            // After the start a wrong password may be temporary, while it is being changed.
            PostgresException refusal when refusal.SqlState == PostgresErrorCodes.InvalidPassword
                || !Array.Exists(reasons, DatabaseErrors.IsTransient) =>
                $"PostgreSQL refused the connection: {refusal.MessageText}",
            _ when sockets.All(socket => socket?.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData) =>
                $"there is no host '{address.Host}'",
            NpgsqlException { InnerException: null, IsTransient: false } refusal and not PostgresException =>
                $"the connection cannot be used: {refusal.Message.TrimEnd('.')}",
            _ when Array.Find(reasons, reason => reason.InnerException is AuthenticationException) is { } failure =>
                $"TLS with PostgreSQL at '{address.Host}' failed: {TlsFailure(failure.GetBaseException())}",
            _ when Array.Find(reasons, reason => DatabaseErrors.IsAboutAddress(reason.GetBaseException())) is { } failure =>
                UnusableBecause(failure.GetBaseException()),
            _ when elapsed > (sockets.All(socket => socket is not null) ? NobodyListensLimit : timeLimit) =>
                $"no PostgreSQL answered at '{address.Host}' port {address.Port} "
                + $"within {elapsed.TotalSeconds:0} s ({reasons[0].GetBaseException().Message.TrimEnd('.')})",
            _ => null,
        };
        if (sentence is not null)
        {
            throw new DatabaseStartException($"{flag}: {sentence}.", exception);
        }
    }

    private string TlsFailure(Exception cause) =>
        address.SslMode >= SslMode.VerifyCA
            && cause.Message.Contains("RemoteCertificateValidationCallback", StringComparison.Ordinal)
            ? "its certificate is of another authority or, for SSL Mode VerifyFull, for another host "
                + $"(SSL Mode is {address.SslMode})"
            : FirstLine(cause);

    /// <summary>A value of the connection string that Npgsql has accepted, or a file that it names, cannot be used.</summary>
    public DatabaseStartException Unusable(Exception exception) => new($"{flag}: {UnusableBecause(exception)}.", exception);

    private static string UnusableBecause(Exception cause) =>
        $"{(DatabaseErrors.IsAboutFile(cause) ? "a file that it names" : "a value in it")} cannot be used: {FirstLine(cause)}";

    private static string FirstLine(Exception exception) => exception.Message.Split('\n')[0].TrimEnd('.', '\r');
}
