using System.Text;

namespace PgEtcd.Bench;

/// <summary>
/// Writes a protobuf message by hand and remembers the positions of the numbers that change from request to
/// request. Independent of PgEtcd's own messages, so that a mistake in them cannot go unnoticed here.
/// </summary>
public sealed class Message
{
    private readonly List<byte> _bytes = [];

    /// <summary>Offsets of the decimal numbers that the shim rewrites.</summary>
    public List<int> Marks { get; } = [];

    /// <summary>Offset of the padded varint that the shim rewrites, or -1.</summary>
    public int Revision { get; private set; } = -1;

    public Message Number(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    public Message Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint((ulong)field << 3 | 2);
        Varint((ulong)value.Length);
        _bytes.AddRange(value);
        return this;
    }

    /// <summary>A key: a text, <paramref name="digits"/> digits that change, and a suffix.</summary>
    public Message Key(int field, string prefix, int digits, ReadOnlySpan<byte> after = default)
    {
        Varint((ulong)field << 3 | 2);
        Varint((ulong)(prefix.Length + digits + after.Length));
        _bytes.AddRange(Encoding.ASCII.GetBytes(prefix));
        Marks.Add(_bytes.Count);
        _bytes.AddRange(Encoding.ASCII.GetBytes(new string('0', digits)));
        _bytes.AddRange(after);
        return this;
    }

    /// <summary>A number that always takes five bytes, as protobuf accepts padded varints.</summary>
    public Message PaddedNumber(int field)
    {
        Varint((ulong)field << 3);
        Revision = _bytes.Count;
        _bytes.AddRange((byte[])[0x80, 0x80, 0x80, 0x80, 0]);
        return this;
    }

    public Message Nested(int field, Message inner)
    {
        byte[] content = inner._bytes.ToArray();
        Bytes(field, content);
        int start = _bytes.Count - content.Length;
        Marks.AddRange(inner.Marks.Select(mark => start + mark));
        if (inner.Revision >= 0)
        {
            Revision = start + inner.Revision;
        }

        return this;
    }

    public byte[] ToArray() => _bytes.ToArray();

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _bytes.Add((byte)(value | 0x80));
        }

        _bytes.Add((byte)value);
    }

    /// <summary>Reads the fields of a message: number, value of a varint, bytes of a string or message.</summary>
    public static IReadOnlyList<(int Field, long Number, ReadOnlyMemory<byte> Bytes)> Read(ReadOnlyMemory<byte> message)
    {
        List<(int, long, ReadOnlyMemory<byte>)> found = [];
        Fields fields = new(message.Span);
        while (fields.Next())
        {
            found.Add((fields.Field, fields.Number, message.Slice(fields.Start, fields.Length)));
        }

        return found;
    }
}
