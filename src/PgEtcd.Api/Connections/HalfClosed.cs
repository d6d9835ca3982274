using Microsoft.AspNetCore.Connections;

namespace PgEtcd.Api.Connections;

/// <summary>Answers HTTP/1.1 clients that have shut down their sending side (<c>nc -N</c>, socat), as Go's server does. Kestrel takes
/// that for the end of the connection and aborts the response.</summary>
internal static class HalfClosed
{
    /// <summary>How much later the end is told: enough for an answer that is ready, and a stream whose client has gone ends soon.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Goes on with a connection whose end is told later.</summary>
    public static async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        using CancellationTokenSource closed = new();
        await using CancellationTokenRegistration closing = connection.ConnectionClosed.Register(() => closed.CancelAfter(Grace));
        connection.ConnectionClosed = closed.Token;
        await next(connection);
    }
}
