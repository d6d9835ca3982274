using System.Globalization;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace PgEtcd.Grpc.Http;

/// <summary>What a request's headers and connection say, in gRPC's terms.</summary>
internal static class RequestMetadata
{
    /// <summary>The client's metadata: all headers but those of the protocol.</summary>
    public static Metadata Read(IHeaderDictionary headers)
    {
        Metadata metadata = [];
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in headers)
        {
            if (name[0] == ':' || IsProtocol(name))
                continue;
            foreach (string? value in values)
                Add(metadata, name, value ?? "");
        }
        return metadata;
    }

    /// <summary>The client's address as grpc writes it.</summary>
    public static string Peer(ConnectionInfo connection)
    {
        if (connection.RemoteIpAddress is not { } address)
            return "unix:"; // the other end of a Unix socket has no address
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
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
            try
            {
                metadata.Add(name, MetadataValue.DecodeBytes(part));
            }
            catch (FormatException)
            {
                throw new RpcException(new Status(StatusCode.Internal, $"malformed binary metadata \"{part}\" in header \"{name}\""));
            }
        }
    }

    private static bool IsProtocol(string name) =>
        name.Equals("content-type", StringComparison.OrdinalIgnoreCase)
        || name.Equals("content-length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("te", StringComparison.OrdinalIgnoreCase)
        || name.Equals("host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("accept-encoding", StringComparison.OrdinalIgnoreCase)
        || name.Equals("grpc-timeout", StringComparison.OrdinalIgnoreCase)
        || name.Equals("grpc-encoding", StringComparison.OrdinalIgnoreCase)
        || name.Equals("grpc-accept-encoding", StringComparison.OrdinalIgnoreCase);
}
