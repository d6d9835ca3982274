using System.Globalization;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.Extensions.Primitives;

namespace PgEtcd.Api.Calls;

/// <summary>A request's headers and connection as gRPC shows them.</summary>
public static class RequestMetadata
{
    /// <summary>The client's metadata: all headers but those of the protocol, with an entry for each value.</summary>
    internal static Metadata Read(IHeaderDictionary headers)
    {
        Metadata metadata = [];
        foreach ((string name, StringValues values) in headers)
        {
            if (name[0] == ':' || IsProtocol(name))
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
        if (connection.RemoteIpAddress is not { } address)
        {
            return "unix:"; // the other end of a Unix socket has no address
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetwork
            ? string.Create(CultureInfo.InvariantCulture, $"ipv4:{address}:{connection.RemotePort}")
            : string.Create(CultureInfo.InvariantCulture, $"ipv6:[{address}]:{connection.RemotePort}");
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

    private static bool IsProtocol(string name) =>
        name.Equals("grpc-timeout", StringComparison.OrdinalIgnoreCase)
        || name.Equals("grpc-encoding", StringComparison.OrdinalIgnoreCase)
        || name.Equals("grpc-accept-encoding", StringComparison.OrdinalIgnoreCase)
        || name.Equals("content-type", StringComparison.OrdinalIgnoreCase)
        || name.Equals("content-length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("te", StringComparison.OrdinalIgnoreCase)
        || name.Equals("host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("accept-encoding", StringComparison.OrdinalIgnoreCase);
}
