using PgEtcd.Testing.Grpc;
using static PgEtcd.Testing.Grpc.Http2Frames;

namespace PgEtcd.Fuzz.Tests;

/// <summary>Bytes that a client might send on a connection: mostly the start of a call, in frames of every kind, then mutated.</summary>
internal static class Http2Bytes
{
    public static byte[] Make(Random random)
    {
        List<byte> bytes = [.. random.Next(20) == 0 ? Mutation.Of(random, [.. Preface]) : Preface];
        bytes.AddRange(Frame(Settings, 0, 0, []));
        for (int calls = random.Next(1, 4), stream = 1; calls > 0; calls--, stream += 2)
        {
            byte[] block = HeaderBlock("/etcdserverpb.KV/Range", "x", GrpcContent, ("grpc-timeout", "500m"));
            bytes.AddRange(Frame(Headers, EndHeaders, stream, Sometimes(random, block)));
            bytes.AddRange(Frame(Data, EndStream, stream, Sometimes(random, GrpcFrame.Wrap("\n\u0001a"u8))));
            if (random.Next(2) == 0)
            {
                byte[] payload = new byte[random.Next(40)];
                random.NextBytes(payload);
                bytes.AddRange(Frame(
                    (byte)random.Next(12), (byte)random.Next(256), random.Next(5) == 0 ? random.Next() : random.Next(7), payload));
            }
        }

        return random.Next(2) == 0 ? [.. bytes] : [.. Preface, .. Mutation.Of(random, [.. bytes.Skip(Preface.Length)])];
    }

    private static byte[] Sometimes(Random random, byte[] bytes) => random.Next(3) == 0 ? Mutation.Of(random, bytes) : bytes;
}
