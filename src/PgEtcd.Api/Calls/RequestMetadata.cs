using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.Extensions.Primitives;

namespace PgEtcd.Api.Calls;

/// <summary>A request's headers and connection as gRPC shows them.</summary>
public static class RequestMetadata
{
    private static readonly FrozenSet<string> OfProtocol = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "grpc-timeout", "grpc-encoding", "grpc-accept-encoding", "content-type", "content-length", "te", "host", "accept-encoding");

    /// <summary>The client's metadata: all headers but those of the protocol, with an entry for each value.</summary>
    internal static Metadata Read(IHeaderDictionary headers)
    {
        Metadata metadata = [];
        foreach ((string name, StringValues values) in headers)
        {
            if (name[0] == ':' || OfProtocol.Contains(name))
            {
                continue;
            }

            foreach (string? value in values)
            {
                Add(metadata, name, value ?? "");
            }
        }

        return metadata;
    }

    /// <summary>The client's address as gRPC writes it.</summary>
    public static string Peer(ConnectionInfo connection)
    {
        IPAddress? address = connection.RemoteIpAddress;
        address = address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
        return address?.AddressFamily switch
        {
            null => "unix:", // the other end of a Unix socket has no address
            AddressFamily.InterNetwork => string.Create(CultureInfo.InvariantCulture, $"ipv4:{address}:{connection.RemotePort}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"ipv6:[{address}]:{connection.RemotePort}"),
        };
    }

    private static void Add(Metadata metadata, string name, string value)
    {
        if (!name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
        {
            metadata.Add(name, value);
            return;
        }

        // A proxy may have joined several binary values with commas.
        foreach (string part in value.Split(','))
        {
            string text = part.Trim().TrimEnd('=');
            try
            {
                metadata.Add(name, Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '=')));
            }
            catch (FormatException)
            {
                throw new RpcException(new Status(StatusCode.Internal, $"malformed binary metadata \"{part}\" in header \"{name}\""));
            }
        }
    }
}
