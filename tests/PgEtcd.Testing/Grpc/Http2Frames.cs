using System.Buffers.Binary;
using System.Text;

namespace PgEtcd.Testing.Grpc;

/// <summary>The bytes of HTTP/2 (RFC 9113), for tests that send what no client would.</summary>
public static class Http2Frames
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte Reset = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte WindowUpdate = 8;

    /// <summary>The END_STREAM flag of data and headers.</summary>
    public const byte EndStream = 1;

    /// <summary>The END_HEADERS flag.</summary>
    public const byte EndHeaders = 4;

    /// <summary>The ACK flag of settings and pings.</summary>
    public const byte Acknowledgement = 1;

    /// <summary>The length of a frame's header.</summary>
    public const int HeadLength = 9;

    /// <summary>The content type of gRPC.</summary>
    public const string GrpcContent = "application/grpc";

    /// <summary>The client's connection preface.</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>A frame.</summary>
    public static byte[] Frame(byte kind, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[HeadLength + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = kind;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(HeadLength));
        return frame;
    }

    /// <summary>The headers of a call, as literal fields without indexing, which need no table and no Huffman code
    /// (RFC 7541 §6.2.2).</summary>
    public static byte[] HeaderBlock(
        string path, string authority, string contentType = GrpcContent, params (string Name, string Value)[] more)
    {
        List<byte> block = [];
        foreach ((string name, string value) in ((string, string)[])
        [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", authority), ("te", "trailers"),
            ("content-type", contentType), .. more,
        ])
        {
            block.AddRange([0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)]);
        }

        return [.. block];
    }
}
