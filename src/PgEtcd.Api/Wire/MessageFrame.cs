using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace PgEtcd.Api.Wire;

/// <summary>Writes messages as uncompressed gRPC frames. Each thread reuses one object, because serializers do not wait.</summary>
internal sealed class MessageFrame : SerializationContext
{
    /// <summary>Bytes before a message.</summary>
    public const int PrefixLength = 5;

    [ThreadStatic]
    private static MessageFrame? _cached;

    private IBufferWriter<byte> _output = null!;
    private int _length;

    /// <summary>Writes a message.</summary>
    /// <returns>The message's length in bytes.</returns>
    public static int Write<T>(IBufferWriter<byte> output, Marshaller<T> marshaller, T message)
    {
        MessageFrame frame = _cached ?? new MessageFrame();
        _cached = null;
        frame._output = output;
        marshaller.ContextualSerializer(message, frame);
        frame._output = null!;
        _cached = frame;
        return frame._length;
    }

    /// <summary>Writes the first bytes of a frame: no compression, and the message's length.</summary>
    public static void WritePrefix(IBufferWriter<byte> output, int length)
    {
        Span<byte> prefix = output.GetSpan(PrefixLength);
        prefix[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], length);
        output.Advance(PrefixLength);
    }

    public override void SetPayloadLength(int payloadLength)
    {
        _length = payloadLength;
        WritePrefix(_output, payloadLength);
    }

    public override IBufferWriter<byte> GetBufferWriter() => _output;

    public override void Complete()
    {
    }

    public override void Complete(byte[] payload)
    {
        SetPayloadLength(payload.Length);
        _output.Write(payload);
    }
}
