using System.Net;
using System.Net.Sockets;

namespace PgEtcd.Frontend.Auth;

/// <summary>What counts as one address for limits.</summary>
internal static class PeerAddress
{
    private const int NetworkBytes = 8;

    /// <summary>The address of a peer as gRPC writes it, without the port, which is another one with each connection. Of an IPv6 address
    /// the first half: its owner has all of the other half (RFC 6177).</summary>
    public static string Of(string peer)
    {
        string address = peer.LastIndexOf(':') is > 0 and var port ? peer[..port] : peer;
        return IPAddress.TryParse(address[(address.IndexOf(':', StringComparison.Ordinal) + 1)..], out IPAddress? parsed)
            && parsed.AddressFamily == AddressFamily.InterNetworkV6
                ? "ipv6:" + new IPAddress([.. parsed.GetAddressBytes()[..NetworkBytes], .. new byte[NetworkBytes]])
                : address;
    }
}
