using System.Buffers;
using Grpc.Core;

namespace PgEtcd.Api.Tests.Wire;

/// <summary>Receives the output of a marshaller, in buffers no larger than requested.</summary>
/// <param name="spare">Bytes beyond the requested size.</param>
internal sealed class CapturedMessage(int spare) : SerializationContext, IBufferWriter<byte>
{
    private readonly ArrayBufferWriter<byte> _written = new();
    private byte[] _lent = [];

    public int Announced { get; private set; } = -1;

    public bool IsComplete { get; private set; }

    public int Length => _written.WrittenCount;

    public byte[] Bytes => _written.WrittenSpan.ToArray();

    public static CapturedMessage Of<T>(Marshaller<T> marshaller, T message, int spare)
    {
        CapturedMessage captured = new(spare);
        marshaller.ContextualSerializer(message, captured);
        return captured;
    }

    public override void SetPayloadLength(int payloadLength) => Announced = payloadLength;

    public override IBufferWriter<byte> GetBufferWriter() => this;

    public override void Complete() => IsComplete = true;

    public void Advance(int count)
    {
        _written.Write(_lent.AsSpan(0, count));
        _lent = []; // buffers lent before are no longer used
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        _lent = new byte[Math.Max(sizeHint, 1) + spare];
        Array.Fill(_lent, (byte)0xee);
        return _lent;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
