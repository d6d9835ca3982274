using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace PgEtcd.Api.Connections;

/// <summary>Settings of Kestrel that etcd's clients need.</summary>
public static class KestrelExtensions
{
    /// <summary>Delay of the end of a half-closed connection: long enough to send an answer that is ready, short enough to end the streams
    /// of a client that has gone.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Serves HTTP/1.1 and HTTP/2 (prior knowledge) on one port without TLS.</summary>
    /// <param name="options">The listener.</param>
    /// <param name="prefaceTimeout">Time limit for a new connection to show its protocol; 30 seconds if null.</param>
    public static ListenOptions UseHttp1AndHttp2WithoutTls(this ListenOptions options, TimeSpan? prefaceTimeout = null)
    {
        TimeSpan limit = prefaceTimeout ?? TimeSpan.FromSeconds(30);
        options.Protocols = HttpProtocols.Http1AndHttp2;
        // Clients send the scheme http on connections that Kestrel takes for TLS.
        options.KestrelServerOptions.AllowAlternateSchemes = true;
        options.Use(next => new PlaintextProtocols(next, limit).OnConnectionAsync);
        return options;
    }

    /// <summary>Answers HTTP/1.1 clients that have shut down their sending side (<c>nc -N</c>, socat), as Go's server does. Kestrel takes
    /// that for the end of the connection and aborts the response. Must be added after the protocol is known.</summary>
    public static ListenOptions UseHalfClosedConnections(this ListenOptions options)
    {
        options.Use(next => connection =>
            connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) == true
                ? next(connection)
                : ServeHalfClosedAsync(connection, next));
        return options;
    }

    /// <summary>Accepts any authority, allows more streams per connection than clients use (watches are long), and sets no minimum data
    /// rates, because an idle or slow stream may be a watch.</summary>
    public static KestrelServerOptions UseGrpcLimits(this KestrelServerOptions options)
    {
        options.RequestHeaderEncodingSelector = HostEncoding.Select;
        options.AddServerHeader = false;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.Http2.MaxStreamsPerConnection = 100_000;
        return options;
    }

    /// <summary>Serves a connection whose end is reported with a delay.</summary>
    private static async Task ServeHalfClosedAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        using CancellationTokenSource closed = new();
        await using CancellationTokenRegistration closing = connection.ConnectionClosed.Register(() => closed.CancelAfter(Grace));
        connection.ConnectionClosed = closed.Token;
        await next(connection);
    }
}
