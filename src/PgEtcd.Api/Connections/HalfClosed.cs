using Microsoft.AspNetCore.Connections;

namespace PgEtcd.Api.Connections;

/// <summary>Answers HTTP/1.1 clients that have shut down their sending side (<c>nc -N</c>, socat), as Go's server does. Kestrel takes
/// that for the end of the connection and aborts the response.</summary>
internal static class HalfClosed
{
    /// <summary>Delay of the end: long enough to send an answer that is ready, short enough to end the streams of a client that has
    /// gone.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Serves a connection whose end is reported with a delay.</summary>
    public static async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        using CancellationTokenSource closed = new();
        await using CancellationTokenRegistration closing = connection.ConnectionClosed.Register(() => closed.CancelAfter(Grace));
        connection.ConnectionClosed = closed.Token;
        await next(connection);
    }
}
