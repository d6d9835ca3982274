namespace PgEtcd.Snapshots;

/// <summary>Reads the fields of one protobuf message. Any error ends it with <see cref="IsBroken"/>.</summary>
internal struct ProtoReader(ReadOnlyMemory<byte> message)
{
    private const int VarintType = 0;
    private const int Fixed64Type = 1;
    private const int BytesType = 2;
    private const int Fixed32Type = 5;

    private int _at;

    /// <summary>The number of the field that <see cref="Next"/> found.</summary>
    public int Field { get; private set; }

    /// <summary>Its value, if it is a number.</summary>
    public long Number { get; private set; }

    /// <summary>Its value, if it is bytes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>Whether the message ended within a field, or has content that no encoder writes.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Reads the next field; false at the end.</summary>
    public bool Next()
    {
        if (_at == message.Length || !Varint(out ulong tag))
        {
            return false;
        }

        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        Number = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case VarintType when Varint(out ulong number):
                Number = (long)number;
                return true;
            case BytesType when Varint(out ulong length):
                return Take(length);
            case Fixed64Type:
                return Take(sizeof(ulong));
            case Fixed32Type:
                return Take(sizeof(uint));
            default:
                IsBroken = true;
                return false;
        }
    }

    private bool Take(ulong length)
    {
        if (length > (ulong)(message.Length - _at))
        {
            IsBroken = true;
            return false;
        }

        Bytes = message.Slice(_at, (int)length);
        _at += (int)length;
        return true;
    }

    private bool Varint(out ulong value)
    {
        value = 0;
        ReadOnlySpan<byte> bytes = message.Span;
        for (int shift = 0; shift < 64 && _at < bytes.Length; shift += 7)
        {
            byte b = bytes[_at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return true;
            }
        }

        IsBroken = true;
        return false;
    }
}
