using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PgEtcd.Server.Proxies;

/// <summary>The proxies whose statements about their clients are trusted.</summary>
/// <param name="Networks">Their networks.</param>
/// <param name="UnixSockets">Whether connections through a Unix socket come from them, too.</param>
public sealed record TrustedProxies(IReadOnlyList<IPNetwork> Networks, bool UnixSockets)
{
    /// <summary>Whether a connection from an address is one of theirs.</summary>
    /// <param name="from">Null, or not an IP address, for a connection through a Unix socket.</param>
    public bool Contain(EndPoint? from)
    {
        if (from is not IPEndPoint { Address: var address })
        {
            return UnixSockets;
        }

        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Networks.Any(network => network.Contains(plain));
    }
}

/// <summary>Reads the PROXY header of connections from trusted proxies, ahead of TLS, so that all later stages see the client's
/// address. The header is mandatory on them, as with HAProxy's <c>expect-proxy</c>: if it were optional, a client behind a proxy that
/// sends none could write its own.</summary>
public static class ProxyProtocol
{
    /// <summary>Time limit of a header.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Serves a listener for such proxies. Must be called before any other middleware that reads the connection's bytes.</summary>
    /// <param name="options">The listener.</param>
    /// <param name="proxies">The proxies. Other connections have no header.</param>
    /// <param name="logger">Logs refused connections.</param>
    /// <param name="limit">Time limit of a header; null: 10 seconds.</param>
    public static ListenOptions UseProxyProtocol(this ListenOptions options, TrustedProxies proxies, ILogger logger, TimeSpan? limit = null)
    {
        options.Use(next => connection => proxies.Contain(connection.RemoteEndPoint)
            ? OnConnectionAsync(connection, next, logger, limit ?? Limit)
            : next(connection));
        return options;
    }

    private static async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next, ILogger logger, TimeSpan limit)
    {
        ProxyHeader? header;
        using (CancellationTokenSource timer = new(limit))
        {
            try
            {
                header = await ReadAsync(connection.Transport.Input, timer.Token);
            }
            catch (Exception e) when (e is FormatException or OperationCanceledException)
            {
                string reason = e is FormatException ? e.Message : $"no PROXY header in {limit.TotalSeconds} s";
                Log.RejectedConnection(logger, $"{connection.RemoteEndPoint}", reason);
                return;
            }
            catch (IOException)
            {
                return; // reset
            }
        }

        if (header is null)
        {
            return; // a balancer's check whether the port is open
        }

        if (header.Value.HasClient)
        {
            connection.RemoteEndPoint = header.Value.Client;
        }

        await next(connection);
    }

    /// <summary>Reads a header and no byte behind it; null if the connection ends without a byte.</summary>
    private static async ValueTask<ProxyHeader?> ReadAsync(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancellationToken);
            if (!read.Buffer.IsEmpty && ProxyHeader.Read(read.Buffer) is { } header)
            {
                input.AdvanceTo(read.Buffer.GetPosition(header.Length));
                return header;
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                return read.Buffer.IsEmpty ? null : throw new FormatException("the connection ended within its PROXY header");
            }
        }
    }
}
