using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PgEtcd.Server.Proxies;

/// <summary>The proxies whose word about the clients behind them is taken.</summary>
/// <param name="Networks">Their networks.</param>
/// <param name="UnixSockets">Whether connections through a Unix socket are theirs too.</param>
public sealed record TrustedProxies(IReadOnlyList<IPNetwork> Networks, bool UnixSockets)
{
    /// <summary>Whether a connection from an address is one of theirs.</summary>
    /// <param name="from">Null, or no IP address: it came through a Unix socket.</param>
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

/// <summary>Reads the PROXY header of connections that trusted proxies open, ahead of TLS, so that everything behind it sees the
/// client's address. There it is mandatory, as with HAProxy's <c>expect-proxy</c>: if it could be missing, a client behind a proxy that
/// does not send one could write its own.</summary>
public static class ProxyProtocol
{
    /// <summary>How long a header may take.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Serves a listener for such proxies. To be called before anything else that looks at its bytes.</summary>
    /// <param name="options">The listener.</param>
    /// <param name="proxies">From where headers are read. From elsewhere none is.</param>
    /// <param name="logger">Gets what is refused.</param>
    /// <param name="limit">How long a header may take; 10 seconds if null.</param>
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
            return; // a balancer that looks whether anyone listens
        }

        if (header.Value.HasClient)
        {
            connection.RemoteEndPoint = header.Value.Client;
        }

        await next(connection);
    }

    /// <summary>Reads a header and no byte behind it; null when the connection ends without one byte.</summary>
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
