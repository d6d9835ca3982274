using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace PgEtcd.Api.Connections;

/// <summary>Settings of Kestrel that etcd's clients need.</summary>
public static class KestrelExtensions
{
    /// <summary>
    /// Serves HTTP/1.1 and HTTP/2 (prior knowledge) on one port without TLS.
    /// </summary>
    /// <param name="prefaceTimeout">How long a new connection may take to show which one it speaks; 30 seconds if null.</param>
    public static ListenOptions UseHttp1AndHttp2WithoutTls(this ListenOptions options, TimeSpan? prefaceTimeout = null)
    {
        TimeSpan limit = prefaceTimeout ?? TimeSpan.FromSeconds(30);
        options.Protocols = HttpProtocols.Http1AndHttp2;
        // Clients rightly say http where Kestrel believes in TLS.
        options.KestrelServerOptions.AllowAlternateSchemes = true;
        options.Use(next => new PlaintextProtocols(next, limit).OnConnectionAsync);
        return options;
    }

    /// <summary>Lets clients in that send a path as :authority. For Unix sockets; to be called before
    /// <see cref="UseHttp1AndHttp2WithoutTls"/>.</summary>
    public static ListenOptions UsePathAuthorities(this ListenOptions options)
    {
        options.Use(next => new PathAuthorities(next).OnConnectionAsync);
        return options;
    }

    /// <summary>Lets older clients of etcd in that put a scheme into :authority, with TLS. To be called after <c>UseHttps</c>.</summary>
    public static ListenOptions UseSchemesInAuthorities(this ListenOptions options)
    {
        options.Use(next => connection =>
        {
            if (connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) == true)
            {
                connection.Transport = SchemeInAuthority.Mend(connection.Transport);
            }

            return next(connection);
        });
        return options;
    }

    /// <summary>
    /// Limits for gRPC: as many streams a connection as clients like (watches are long), and no minimum speeds, since an
    /// idle or slow stream is no attack but a watcher.
    /// </summary>
    public static KestrelServerOptions UseGrpcLimits(this KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.Http2.MaxStreamsPerConnection = 100_000;
        return options;
    }
}
