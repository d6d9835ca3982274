using System.Buffers.Binary;
using System.Text;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.Fuzz.Tests;

/// <summary>What a client might send on a connection: mostly the beginning of a call, in frames of every kind, then changed.</summary>
internal static class Http2Bytes
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Settings = 4;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    public static byte[] Make(Random random)
    {
        List<byte> bytes = [.. random.Next(20) == 0 ? Mutation.Of(random, Preface) : Preface];
        Add(bytes, Settings, 0, 0, []);
        for (int calls = random.Next(1, 4), stream = 1; calls > 0; calls--, stream += 2)
        {
            byte[] block = HeaderBlock();
            Add(bytes, Headers, EndHeaders, stream, Sometimes(random, block));
            Add(bytes, Data, EndStream, stream, Sometimes(random, GrpcFrame.Wrap("\n\u0001a"u8)));
            if (random.Next(2) == 0)
            {
                byte[] payload = new byte[random.Next(40)];
                random.NextBytes(payload);
                Add(bytes, (byte)random.Next(12), (byte)random.Next(256), random.Next(5) == 0 ? random.Next() : random.Next(7), payload);
            }
        }

        return random.Next(2) == 0 ? [.. bytes] : [.. Preface, .. Mutation.Of(random, [.. bytes.Skip(Preface.Length)])];
    }

    private static byte[] Sometimes(Random random, byte[] bytes) => random.Next(3) == 0 ? Mutation.Of(random, bytes) : bytes;

    /// <summary>Literal fields that are not to be remembered, which need no table and no Huffman code (RFC 7541 §6.2.2).</summary>
    private static byte[] HeaderBlock()
    {
        List<byte> block = [];
        foreach ((string name, string value) in new[]
        {
            (":method", "POST"), (":scheme", "http"), (":path", "/etcdserverpb.KV/Range"), (":authority", "x"), ("te", "trailers"),
            ("content-type", "application/grpc"), ("grpc-timeout", "500m"),
        })
        {
            block.Add(0);
            AddText(block, name);
            AddText(block, value);
        }

        return [.. block];
    }

    private static void AddText(List<byte> block, string text)
    {
        block.Add((byte)text.Length);
        block.AddRange(Encoding.ASCII.GetBytes(text));
    }

    private static void Add(List<byte> bytes, byte kind, byte flags, int stream, byte[] payload)
    {
        Span<byte> prefix = stackalloc byte[9];
        BinaryPrimitives.WriteInt32BigEndian(prefix, payload.Length << 8);
        prefix[3] = kind;
        prefix[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(prefix[5..], stream);
        bytes.AddRange(prefix);
        bytes.AddRange(payload);
    }
}
