using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace PgEtcd.Api.Connections;

/// <summary>Settings of Kestrel that etcd's clients need.</summary>
public static class KestrelExtensions
{
    /// <summary>Serves HTTP/1.1 and HTTP/2 (prior knowledge) on one port without TLS.</summary>
    /// <param name="options">The listener.</param>
    /// <param name="prefaceTimeout">How long a new connection may take to show which one it speaks; 30 seconds if null.</param>
    public static ListenOptions UseHttp1AndHttp2WithoutTls(this ListenOptions options, TimeSpan? prefaceTimeout = null)
    {
        TimeSpan limit = prefaceTimeout ?? TimeSpan.FromSeconds(30);
        options.Protocols = HttpProtocols.Http1AndHttp2;
        // Clients say http where Kestrel believes in TLS.
        options.KestrelServerOptions.AllowAlternateSchemes = true;
        options.Use(next => new PlaintextProtocols(next, limit).OnConnectionAsync);
        return options;
    }

    /// <summary>Answers HTTP/1.1 clients that have shut down their sending side. To be called when the protocol is known.</summary>
    public static ListenOptions UseHalfClosedConnections(this ListenOptions options)
    {
        options.Use(next => connection =>
            connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) == true
                ? next(connection)
                : HalfClosed.OnConnectionAsync(connection, next));
        return options;
    }

    /// <summary>Accepts any authority, has no limit to the streams of a connection that clients meet (watches are long), and no minimum
    /// speeds, since an idle or slow stream is no attack but a watcher.</summary>
    public static KestrelServerOptions UseGrpcLimits(this KestrelServerOptions options)
    {
        options.RequestHeaderEncodingSelector = HostEncoding.Select;
        options.AddServerHeader = false;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.Http2.MaxStreamsPerConnection = 100_000;
        return options;
    }
}
