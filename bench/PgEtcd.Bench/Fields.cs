namespace PgEtcd.Bench;

/// <summary>Reads the fields of an encoded message one by one, without allocating, as watchers receive many.</summary>
public ref struct Fields(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;

    /// <summary>The number of the field found by the last <see cref="Next"/>.</summary>
    public int Field { get; private set; }

    /// <summary>The value of a varint field.</summary>
    public long Number { get; private set; }

    /// <summary>The offset of the content of a string or message field.</summary>
    public int Start { get; private set; }

    /// <summary>The length of that content, bytes.</summary>
    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Bytes => _message.Slice(Start, Length);

    /// <summary>Reads the next field; false after the last.</summary>
    /// <exception cref="BenchException">A field is neither varint nor bytes; etcd's messages have no others.</exception>
    public bool Next()
    {
        if (_at >= _message.Length)
        {
            return false;
        }

        ulong tag = Varint();
        Field = (int)(tag >> 3);
        ulong value = Varint();
        (Number, Start, Length) = (tag & 7) switch
        {
            0 => ((long)value, 0, 0),
            2 => (0, _at, (int)value),
            _ => throw new BenchException($"a response holds wire type {tag & 7}"),
        };
        _at += Length;
        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = _message[_at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }
    }
}
