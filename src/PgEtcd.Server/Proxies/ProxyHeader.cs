using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Server.Proxies;

/// <summary>A proxy's announcement of a connection ahead of the client's first byte: HAProxy's PROXY protocol, versions 1 and 2.</summary>
/// <param name="Length">Bytes of the header.</param>
/// <param name="HasClient">False: the proxy made the connection for itself, as a health check, or does not know its client.</param>
/// <param name="Client">The client's address; null if it reached the proxy through a Unix socket.</param>
internal readonly record struct ProxyHeader(int Length, bool HasClient, IPEndPoint? Client)
{
    /// <summary>Largest header, bytes. With addresses alone it has at most 232; the rest is for extensions, the longest of which is a
    /// client's certificate.</summary>
    public const int MostBytes = 4096;

    /// <summary>Largest header of version 1, bytes, by the protocol.</summary>
    private const int MostText = 107;

    private const int FixedBytes = 16;
    private const int Ipv4Bytes = 12;
    private const int Ipv6Bytes = 36;
    private const int UnixBytes = 216;
    private const int ExtensionStart = 3;
    private const byte ChecksumExtension = 3;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    private static ReadOnlySpan<byte> TextSignature => "PROXY "u8;

    /// <summary>Reads the header at the beginning of a connection.</summary>
    /// <param name="received">The bytes received so far.</param>
    /// <returns>Null while more bytes are needed.</returns>
    /// <exception cref="FormatException">The bytes are not a header; the message has the reason.</exception>
    public static ProxyHeader? Read(in ReadOnlySequence<byte> received)
    {
        // Bytes beyond the longest header are never read.
        ReadOnlySpan<byte> bytes = received.IsSingleSegment
            ? received.FirstSpan
            : received.Slice(0, Math.Min(received.Length, MostBytes)).ToArray();
        return Begins(bytes, Signature) ? ReadBinary(bytes)
            : Begins(bytes, TextSignature) ? ReadText(bytes)
            : throw new FormatException("the first bytes are not a PROXY header");
    }

    /// <summary>Whether the bytes begin with a signature, or are the beginning of one.</summary>
    private static bool Begins(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature) =>
        signature.StartsWith(bytes[..Math.Min(bytes.Length, signature.Length)]);

    private static ProxyHeader? ReadBinary(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FixedBytes)
        {
            return null;
        }

        (int version, int command) = (bytes[12] >> 4, bytes[12] & 15);
        int length = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (version != 2 || command > 1)
        {
            throw new FormatException($"version {version} and command {command} of the PROXY protocol are unknown");
        }

        if (length > MostBytes)
        {
            throw new FormatException($"a PROXY header of {length} bytes is longer than {MostBytes}");
        }

        if (bytes.Length < length)
        {
            return null;
        }

        // The addresses of a proxy's own connection have no meaning.
        return command == 0 ? new ProxyHeader(length, false, null) : ReadAddresses(bytes[..length]);
    }

    private static ProxyHeader ReadAddresses(ReadOnlySpan<byte> header)
    {
        ReadOnlySpan<byte> body = header[FixedBytes..];
        if (header[13] == 0)
        {
            return new ProxyHeader(header.Length, false, null); // the protocol has no addresses of this kind
        }

        // The family in the upper half, the transport in the lower one: 1 is a stream.
        int size = header[13] switch
        {
            0x11 => Ipv4Bytes,
            0x21 => Ipv6Bytes,
            0x31 => UnixBytes,
            byte kind => throw new FormatException(
                $"a PROXY header with addresses of kind {kind:x2} is not for a TCP connection or a Unix socket"),
        };
        if (body.Length < size)
        {
            throw new FormatException("a PROXY header ends within its addresses");
        }

        CheckExtensions(header, FixedBytes + size);
        // The client's address, the proxy's, the client's port, the proxy's.
        return new ProxyHeader(header.Length, true, size switch
        {
            Ipv4Bytes => new IPEndPoint(new IPAddress(body[..4]), BinaryPrimitives.ReadUInt16BigEndian(body[8..])),
            Ipv6Bytes => new IPEndPoint(new IPAddress(body[..16]), BinaryPrimitives.ReadUInt16BigEndian(body[32..])),
            _ => null,
        });
    }

    /// <summary>Checks the extensions: each has a kind, a length of two bytes and a value. The only one with a meaning here is the
    /// checksum, which covers the header with zeros in its place.</summary>
    private static void CheckExtensions(ReadOnlySpan<byte> header, int at)
    {
        while (at < header.Length)
        {
            int value = at + ExtensionStart;
            int end = value <= header.Length ? value + BinaryPrimitives.ReadUInt16BigEndian(header[(at + 1)..]) : int.MaxValue;
            if (end > header.Length)
            {
                throw new FormatException("a PROXY header ends within an extension");
            }

            if (header[at] == ChecksumExtension && !IsChecksum(header, value, header[value..end]))
            {
                throw new FormatException("the checksum of a PROXY header is wrong");
            }

            at = end;
        }
    }

    private static bool IsChecksum(ReadOnlySpan<byte> header, int at, ReadOnlySpan<byte> value)
    {
        Crc32C sum = default;
        sum.Add(header[..at]);
        sum.Add(new byte[value.Length]);
        sum.Add(header[(at + value.Length)..]);
        return value.Length == sizeof(uint) && BinaryPrimitives.ReadUInt32BigEndian(value) == sum.Value;
    }

    /// <summary>Reads a line such as <c>PROXY TCP4 192.0.2.1 192.0.2.2 51000 2379</c>.</summary>
    private static ProxyHeader? ReadText(ReadOnlySpan<byte> bytes)
    {
        int end = bytes[..Math.Min(bytes.Length, MostText)].IndexOf("\r\n"u8);
        if (end < 0)
        {
            return bytes.Length < MostText ? null : throw new FormatException($"a PROXY line is longer than {MostText} bytes");
        }

        return Encoding.Latin1.GetString(bytes[..end]).Split(' ') switch
        {
            ["PROXY", "UNKNOWN", ..] => new ProxyHeader(end + 2, false, null),
            ["PROXY", ("TCP4" or "TCP6") and var kind, var client, var proxy, var port, var to] => new ProxyHeader(
                end + 2, true,
                Address(kind == "TCP4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, client, proxy, port, to)),
            _ => throw new FormatException("a PROXY line does not name two addresses and two ports"),
        };
    }

    private static IPEndPoint Address(AddressFamily family, string client, string proxy, string port, string to) =>
        IPAddress.TryParse(client, out IPAddress? address) && address.AddressFamily == family
        && IPAddress.TryParse(proxy, out IPAddress? other) && other.AddressFamily == family
        && ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
        && ushort.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? new IPEndPoint(address, number)
            : throw new FormatException("an address or a port of a PROXY line is malformed");
}
