using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Grpc.Http;

/// <summary>
/// Lets a marshaller write its message straight into the response, after the prefix. One object a thread is reused,
/// as serializers run to their end without waiting.
/// </summary>
internal sealed class MessageSerializer : SerializationContext, IBufferWriter<byte>
{
    public const int PrefixLength = 5;

    // Larger messages are written piece by piece, so that the pipe need not find one huge buffer.
    private const int LargestFirstPiece = 64 * 1024;

    [ThreadStatic]
    private static MessageSerializer? _cached;

    private PipeWriter _pipe = null!;
    private ArrayBufferWriter<byte>? _unannounced;
    private Memory<byte> _piece;
    private int _used;
    private int _announced = -1;
    private int _written;
    private bool _completed;

    /// <summary>Writes one message with its prefix; nothing is flushed.</summary>
    /// <returns>The message's length in bytes.</returns>
    public static int Write<T>(PipeWriter pipe, Marshaller<T> marshaller, T message)
    {
        MessageSerializer serializer = _cached ?? new MessageSerializer();
        _cached = null;
        serializer._pipe = pipe;
        marshaller.ContextualSerializer(message, serializer);
        if (!serializer._completed)
            throw new InvalidOperationException("The serializer did not complete its message.");
        int length = serializer._written;
        serializer.Reset();
        _cached = serializer;
        return length;
    }

    /// <summary>Writes what stands before a message: not compressed, and its length.</summary>
    public static void WritePrefix(Span<byte> target, int length)
    {
        target[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(target[1..], length);
    }

    public override void SetPayloadLength(int payloadLength)
    {
        _announced = payloadLength;
        _piece = _pipe.GetMemory(PrefixLength + Math.Min(payloadLength, LargestFirstPiece));
        WritePrefix(_piece.Span, payloadLength);
        _used = PrefixLength;
    }

    public override IBufferWriter<byte> GetBufferWriter() =>
        _announced >= 0 ? this : _unannounced ??= new ArrayBufferWriter<byte>();

    public override void Complete()
    {
        if (_announced < 0)
        {
            Complete(_unannounced is null ? default : _unannounced.WrittenSpan);
            return;
        }
        if (_written != _announced)
            throw new InvalidOperationException($"The serializer announced {_announced} bytes and wrote {_written}.");
        _pipe.Advance(_used);
        _completed = true;
    }

    public override void Complete(byte[] payload) => Complete(payload.AsSpan());

    public void Advance(int count)
    {
        _used += count;
        _written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_piece.Length - _used < Math.Max(sizeHint, 1))
        {
            _pipe.Advance(_used);
            _used = 0;
            // Most of a large message fits the next piece; never ask for nothing.
            _piece = _pipe.GetMemory(Math.Max(Math.Max(sizeHint, 1), Math.Min(_announced - _written, LargestFirstPiece)));
        }
        return _piece[_used..];
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    private void Complete(ReadOnlySpan<byte> payload)
    {
        WritePrefix(_pipe.GetSpan(PrefixLength), payload.Length);
        _pipe.Advance(PrefixLength);
        _pipe.Write(payload);
        _written = payload.Length;
        _completed = true;
    }

    private void Reset()
    {
        _pipe = null!;
        _unannounced = null;
        _piece = default;
        _used = 0;
        _announced = -1;
        _written = 0;
        _completed = false;
    }
}
