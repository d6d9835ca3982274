using System.Net;
using System.Net.Sockets;

namespace PgEtcd.Frontend.Auth;

/// <summary>Defines one address for the limits.</summary>
internal static class PeerAddress
{
    private const int NetworkBytes = 8;

    /// <summary>The address of a peer in gRPC's notation, without the port, which differs with each connection. Of an IPv6 address only the
    /// first half counts: its owner has the whole other half (RFC 6177).</summary>
    public static string Of(string peer)
    {
        string address = peer.LastIndexOf(':') is > 0 and var port ? peer[..port] : peer;
        return IPAddress.TryParse(address[(address.IndexOf(':', StringComparison.Ordinal) + 1)..], out IPAddress? parsed)
            && parsed.AddressFamily == AddressFamily.InterNetworkV6
                ? "ipv6:" + new IPAddress([.. parsed.GetAddressBytes()[..NetworkBytes], .. new byte[NetworkBytes]])
                : address;
    }
}
