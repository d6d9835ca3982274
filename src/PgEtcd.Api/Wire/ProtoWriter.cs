using System.Buffers;
using System.Numerics;
using Grpc.Core;

namespace PgEtcd.Api.Wire;

/// <summary>Writes protobuf fields straight into a response. Numbers that are zero are left out, as in proto3.</summary>
internal ref struct ProtoWriter(IBufferWriter<byte> output)
{
    private const int Varint = 0;
    private const int LengthDelimited = 2;
    private const int MaxVarint = 10;

    /// <summary>Most bytes of a tag with a number or a length.</summary>
    private const int MaxFieldStart = 2 * MaxVarint;

    /// <summary>Largest message in bytes; leaves room for the prefix.</summary>
    private const int MaxMessage = int.MaxValue - 1024;

    private readonly IBufferWriter<byte> _output = output;
    private Span<byte> _span;
    private int _used;

    public static int VarintSize(ulong value) => (BitOperations.Log2(value | 1) + 7) / 7;

    /// <summary>Size of a number in a field below 16; 0 if the number is zero.</summary>
    public static int NumberSize(int field, ulong value)
    {
        System.Diagnostics.Debug.Assert(field < 16, "Tags here take one byte.");
        return value == 0 ? 0 : 1 + VarintSize(value);
    }

    /// <summary>Size of a length-delimited field below 16, including its tag and length.</summary>
    public static int BytesSize(int length) => 1 + VarintSize((ulong)length) + length;

    /// <inheritdoc cref="BytesSize(int)"/>
    public static long BytesSize(long length) => 1 + VarintSize((ulong)length) + length;

    /// <summary>Checks the size of a whole message, for its prefix. Must be called before the first byte is written.</summary>
    /// <exception cref="RpcException">The message is too large, in etcd's words.</exception>
    public static int MessageSize(long size) => size <= MaxMessage ? (int)size : throw TooLarge(size);

    /// <summary>The error for an answer that would exceed the largest message.</summary>
    public static RpcException TooLarge(long size) => new(new Status(
        StatusCode.ResourceExhausted, $"grpc: trying to send message larger than max ({size} vs. {int.MaxValue})"));

    public void Number(int field, ulong value)
    {
        if (value != 0)
        {
            Ensure(MaxFieldStart);
            _span[_used++] = (byte)((field << 3) | Varint);
            WriteVarint(value);
        }
    }

    /// <summary>Begins a length-delimited field; the caller writes its bytes.</summary>
    public void Start(int field, int length)
    {
        Ensure(MaxFieldStart);
        _span[_used++] = (byte)((field << 3) | LengthDelimited);
        WriteVarint((ulong)length);
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(_span[_used..]);
        _used += bytes.Length;
    }

    /// <summary>Reserves bytes, all of which the caller fills.</summary>
    public Span<byte> Take(int length)
    {
        Ensure(length);
        _used += length;
        return _span.Slice(_used - length, length);
    }

    public void Flush()
    {
        _output.Advance(_used);
        _span = default;
        _used = 0;
    }

    private void WriteVarint(ulong value)
    {
        while (value >= 0x80)
        {
            _span[_used++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _span[_used++] = (byte)value;
    }

    private void Ensure(int bytes)
    {
        if (_span.Length - _used < bytes)
        {
            Flush();
            _span = _output.GetSpan(bytes);
        }
    }
}
