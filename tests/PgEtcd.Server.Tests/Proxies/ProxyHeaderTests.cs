using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using PgEtcd.Server.Proxies;
using PgEtcd.Mvcc.Keys;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Proxies;

/// <summary>Headers of the PROXY protocol, byte for byte (fault A6).</summary>
public sealed class ProxyHeaderTests
{
    private const byte Proxy = 0x21;
    private const byte Local = 0x20;
    private const byte Tcp4 = 0x11;
    private const byte Tcp6 = 0x21;
    private const byte Unix = 0x31;

    private static readonly byte[] Ipv4 = [192, 0, 2, 7, 192, 0, 2, 1, 0xc7, 0x38, 0x09, 0x4b];
    private static readonly byte[] Ipv6 = [
        .. IPAddress.Parse("2001:db8::7").GetAddressBytes(), .. IPAddress.Parse("2001:db8::1").GetAddressBytes(), 0xc7, 0x38, 0x09, 0x4b];

    public static TheoryData<string, byte[], string?> Headers => new()
    {
        { "IPv4", Binary(Proxy, Tcp4, Ipv4), "192.0.2.7:51000" },
        { "IPv6", Binary(Proxy, Tcp6, Ipv6), "[2001:db8::7]:51000" },
        { "a Unix socket", Binary(Proxy, Unix, new byte[216]), "" },
        { "the proxy's own check", Binary(Local, 0, []), null },
        { "the proxy's own check, with addresses", Binary(Local, Tcp4, Ipv4), null },
        { "no known kind of address", Binary(Proxy, 0, [1, 2, 3]), null },
        { "extensions", Binary(Proxy, Tcp4, [.. Ipv4, 1, 0, 2, (byte)'h', (byte)'2', 4, 0, 0]), "192.0.2.7:51000" },
        { "a right checksum", WithChecksum(Binary(Proxy, Tcp4, [.. Ipv4, 3, 0, 4, 0, 0, 0, 0, 4, 0, 1, 9])), "192.0.2.7:51000" },
        { "as long as may be", Binary(Proxy, Tcp4, [.. Ipv4, 4, 0x0f, 0xe1, .. new byte[4065]]), "192.0.2.7:51000" },
        { "text, IPv4", "PROXY TCP4 192.0.2.7 192.0.2.1 51000 2379\r\n"u8.ToArray(), "192.0.2.7:51000" },
        { "text, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 51000 2379\r\n"u8.ToArray(), "[2001:db8::7]:51000" },
        { "text, unknown", "PROXY UNKNOWN\r\n"u8.ToArray(), null },
        { "text, unknown with addresses", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"u8.ToArray(), null },
    };

    public static TheoryData<string, byte[], string> Malformed => new()
    {
        { "HTTP/2", "PRI * HTTP/2.0\r\n\r\n"u8.ToArray(), "the first bytes are not a PROXY header" },
        { "TLS", [0x16, 3, 1], "the first bytes are not a PROXY header" },
        { "almost the signature", "\r\n\r\n\0\r\nQUIX"u8.ToArray(), "the first bytes are not a PROXY header" },
        { "version 3", Binary(0x31, Tcp4, Ipv4), "version 3 and command 1 of the PROXY protocol are unknown" },
        { "command 2", Binary(0x22, Tcp4, Ipv4), "version 2 and command 2 of the PROXY protocol are unknown" },
        { "UDP", Binary(Proxy, 0x12, Ipv4), "a PROXY header with addresses of kind 12 is not for a TCP connection or a Unix socket" },
        {
            "an unknown family", Binary(Proxy, 0x41, Ipv4),
            "a PROXY header with addresses of kind 41 is not for a TCP connection or a Unix socket"
        },
        { "too short for IPv4", Binary(Proxy, Tcp4, Ipv4[..11]), "a PROXY header ends within its addresses" },
        { "too short for IPv6", Binary(Proxy, Tcp6, Ipv4), "a PROXY header ends within its addresses" },
        { "too short for a Unix socket", Binary(Proxy, Unix, new byte[215]), "a PROXY header ends within its addresses" },
        { "half an extension", Binary(Proxy, Tcp4, [.. Ipv4, 1, 0]), "a PROXY header ends within an extension" },
        { "an extension beyond the end", Binary(Proxy, Tcp4, [.. Ipv4, 1, 0, 3, 0, 0]), "a PROXY header ends within an extension" },
        { "a wrong checksum", Binary(Proxy, Tcp4, [.. Ipv4, 3, 0, 4, 1, 2, 3, 4]), "the checksum of a PROXY header is wrong" },
        { "a short checksum", Binary(Proxy, Tcp4, [.. Ipv4, 3, 0, 1, 0]), "the checksum of a PROXY header is wrong" },
        {
            "a byte too long, and not all there", Binary(Proxy, Tcp4, new byte[4081])[..16],
            "a PROXY header of 4097 bytes is longer than 4096"
        },
        { "text without an end", Encoding.ASCII.GetBytes("PROXY UNKNOWN " + new string('x', 93)), "a PROXY line is longer than 107 bytes" },
        {
            "text, too few fields", "PROXY TCP4 192.0.2.7 192.0.2.1 51000\r\n"u8.ToArray(),
            "a PROXY line does not name two addresses and two ports"
        },
        {
            "text, another kind", "PROXY UDP4 192.0.2.7 192.0.2.1 51000 2379\r\n"u8.ToArray(),
            "a PROXY line does not name two addresses and two ports"
        },
        {
            "text, a bad address", "PROXY TCP4 192.0.2.700 192.0.2.1 51000 2379\r\n"u8.ToArray(),
            "an address or a port of a PROXY line is malformed"
        },
        {
            "text, the other family", "PROXY TCP4 2001:db8::7 2001:db8::1 51000 2379\r\n"u8.ToArray(),
            "an address or a port of a PROXY line is malformed"
        },
        {
            "text, a bad port", "PROXY TCP4 192.0.2.7 192.0.2.1 65536 2379\r\n"u8.ToArray(),
            "an address or a port of a PROXY line is malformed"
        },
    };

    /// <summary>A header of version 2.</summary>
    public static byte[] Binary(byte command, byte kind, byte[] body)
    {
        byte[] header = [.. "\r\n\r\n\0\r\nQUIT\n"u8, command, kind, 0, 0, .. body];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)body.Length);
        return header;
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_complete_header_is_read_and_nothing_after_it(string what, byte[] header, string? client)
    {
        for (int length = 1; length < header.Length; length++)
        {
            ProxyHeader.Read(new ReadOnlySequence<byte>(header[..length])).ShouldBeNull(what);
        }

        ProxyHeader read = ProxyHeader.Read(new ReadOnlySequence<byte>([.. header, .. "GET / HTTP/1.1"u8]))!.Value;
        (read.Length, read.HasClient, read.Client?.ToString() ?? "").ShouldBe((header.Length, client is not null, client ?? ""));
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Anything_else_is_refused_with_the_reason(string what, byte[] header, string reason) =>
        Should.Throw<FormatException>(() => ProxyHeader.Read(new ReadOnlySequence<byte>(header)), what).Message.ShouldBe(reason);

    private static byte[] WithChecksum(byte[] header)
    {
        Crc32C sum = default;
        sum.Add(header);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(31), sum.Value);
        return header;
    }
}
