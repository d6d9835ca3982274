using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PgEtcd.Api.Connections;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Metrics;
using PgEtcd.Server.Options;
using PgEtcd.Server.Pages;
using PgEtcd.Server.Proxies;
using PgEtcd.Server.Tls;

namespace PgEtcd.Server.Hosting;

/// <summary>The addresses that the server listens on, and the protocols of each.</summary>
internal static class Listeners
{
    private const int SolSocket = 1;
    private const int SoReusePort = 15;

    /// <summary>Files that the process keeps for itself. etcd reserves 150; this process has 250 open without any client: libraries, then
    /// PostgreSQL's connections.</summary>
    private const int ReservedFiles = 512;

    /// <summary>The least share of its files that clients get (one part in this many), for low limits.</summary>
    private const int LeastShare = 4;

    /// <summary>Prepares a server on the addresses, without any handlers.</summary>
    /// <param name="options">The addresses and limits.</param>
    /// <param name="tls">TLS for the addresses that use it; null if there are none.</param>
    /// <param name="loggers">For Kestrel and for refused connections.</param>
    public static WebApplicationBuilder NewBuilder(ServerOptions options, ServerTls? tls, ILoggerFactory loggers)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        ILogger logger = loggers.CreateLogger("PgEtcd");
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, options, tls, logger));
        builder.Services.Configure<SocketTransportOptions>(transport => Configure(transport, options));
        builder.Services.AddSingleton(loggers).AddSingleton<IHostLifetime, SignalsAreElsewhere>();
        return builder;
    }

    private static void Configure(KestrelServerOptions kestrel, ServerOptions options, ServerTls? tls, ILogger logger)
    {
        kestrel.UseGrpcLimits();
        kestrel.AllowAlternateSchemes = true; // some clients always say http, and nothing depends on it
        // As in etcd, clients get the files that the server itself does not need: without the limit a flood of clients could cost the
        // server its database. A connection beyond the limit is closed at once, and no other is affected.
        kestrel.Limits.MaxConcurrentConnections =
            ProcessGauges.MaxFiles is { } files ? Math.Max(files - ReservedFiles, files / LeastShare) : null;
        kestrel.Limits.MaxConcurrentUpgradedConnections = kestrel.Limits.MaxConcurrentConnections;
        kestrel.Limits.MaxRequestBodySize = null; // gRPC bounds each message, a stream may be endless
        kestrel.Limits.Http2.MaxStreamsPerConnection = options.MaxConcurrentStreams;
        if (options.KeepAlivePingInterval is { } interval)
        {
            kestrel.Limits.Http2.KeepAlivePingDelay = interval;
            kestrel.Limits.Http2.KeepAlivePingTimeout = options.KeepAlivePingTimeout;
        }

        bool isSplit = options.ListenClientHttpUrls.Count > 0;
        Action<ListenOptions> proxied = listen =>
        {
            if (options.TrustedProxies is { } proxies)
            {
                listen.UseProxyProtocol(proxies, logger);
            }
        };
        Listen(kestrel, tls, options.ListenClientUrls, isSplit ? ListenerKind.GrpcOnly : ListenerKind.Everything, proxied);
        Listen(kestrel, tls, options.ListenClientHttpUrls, ListenerKind.HttpOnly, proxied);
        Listen(kestrel, tls, options.ListenMetricsUrls, ListenerKind.Metrics, static _ => { });
    }

    /// <summary>Sets the options of sockets that apply before they are bound.</summary>
    private static void Configure(SocketTransportOptions transport, ServerOptions options)
    {
        // Continuations go to the thread pool itself, not to queues that run there. Measured: a third more linearizable reads at 50 in
        // flight, and nothing slower (docs/decisions/0005).
        transport.IOQueueCount = 0;
        if (options.ReusePort)
        {
            transport.CreateBoundListenSocket = endpoint => endpoint is IPEndPoint address
                ? BindShared(address)
                : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
    }

    /// <summary>Starts listening.</summary>
    /// <exception cref="ListenException">An address is not available.</exception>
    public static async Task StartAsync(WebApplication app, ServerOptions options, CancellationToken stopping)
    {
        try
        {
            foreach (ListenUrl url in options.ListenClientUrls.Concat(options.ListenClientHttpUrls).Concat(options.ListenMetricsUrls))
            {
                RemoveStale(url);
            }

            await app.StartAsync(stopping);
        }
        catch (Exception exception) when (exception is IOException or SocketException or UnauthorizedAccessException)
        {
            // Kestrel names the address that it could not bind to.
            (string flag, IReadOnlyList<ListenUrl> urls) =
                IsAmong(options.ListenClientHttpUrls) ? (Flags.ListenClientHttpUrls.Name, options.ListenClientHttpUrls)
                : IsAmong(options.ListenMetricsUrls) ? (Flags.ListenMetricsUrls.Name, options.ListenMetricsUrls)
                : (Flags.ListenClientUrls.Name, options.ListenClientUrls);
            throw new ListenException(
                $"--{flag}: cannot listen on {string.Join(", ", urls)}: {exception.GetBaseException().Message}.", exception);

            bool IsAmong(IReadOnlyList<ListenUrl> list) => list.Any(url => exception.Message.Contains($"{url}:", StringComparison.Ordinal));
        }
    }

    private static void Listen(
        KestrelServerOptions kestrel, ServerTls? tls, IEnumerable<ListenUrl> urls, ListenerKind kind, Action<ListenOptions> first)
    {
        foreach (ListenUrl url in urls)
        {
            if (url.SocketPath is not null)
            {
                kestrel.ListenUnixSocket(Path.GetFullPath(url.SocketPath), Use);
            }
            else if (url.Address is null)
            {
                kestrel.ListenLocalhost(url.Port, Use);
            }
            else
            {
                kestrel.Listen(new IPEndPoint(url.Address, url.Port), Use);
            }

            void Use(ListenOptions listen)
            {
                first(listen);
                Serve(listen, kind, url.IsTls ? tls : null);
            }
        }
    }

    private static void Serve(ListenOptions listen, ListenerKind kind, ServerTls? tls)
    {
        listen.Protocols = kind switch
        {
            ListenerKind.Everything => HttpProtocols.Http1AndHttp2,
            ListenerKind.GrpcOnly => HttpProtocols.Http2,
            _ => HttpProtocols.Http1,
        };
        tls?.Use(listen);
        if (tls is null && kind == ListenerKind.Everything)
        {
            listen.UseHttp1AndHttp2WithoutTls();
        }

        if (kind != ListenerKind.GrpcOnly)
        {
            listen.UseHalfClosedConnections();
        }

        if (kind != ListenerKind.Everything)
        {
            listen.Mark(kind);
        }
    }

    /// <summary>Removes the socket of a server that was killed. A socket that is in use stays, and so does any other kind of file:
    /// listening then fails with an error that names it.</summary>
    private static void RemoveStale(ListenUrl url)
    {
        if (url.SocketPath is null || !IsSocket(Path.GetFullPath(url.SocketPath)))
        {
            return;
        }

        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(Path.GetFullPath(url.SocketPath)));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(Path.GetFullPath(url.SocketPath));
        }
    }

    /// <summary>Whether a path is a socket: of all kinds of files only a socket cannot be opened for reading and writing by a user with the
    /// rights to do so.</summary>
    private static bool IsSocket(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        try
        {
            using FileStream _ = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static Socket BindShared(IPEndPoint address)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true; // as Kestrel does
            }

            socket.SetRawSocketOption(SolSocket, SoReusePort, BitConverter.GetBytes(1));
            socket.Bind(address);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Leaves signals to Program: a host that listened for them, too, would begin to stop by itself.</summary>
    private sealed class SignalsAreElsewhere : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
