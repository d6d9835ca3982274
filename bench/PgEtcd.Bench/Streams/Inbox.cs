namespace PgEtcd.Bench.Streams;

/// <summary>Bytes received but not yet read.</summary>
internal sealed class Inbox
{
    private const int Least = 64 << 10;
    private byte[] _bytes = new byte[4 * Least];
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start.._end);

    public void Skip(int count) => _start += count;

    public void Clear() => _start = _end = 0;

    /// <summary>Room for more bytes; <see cref="Added"/> tells how much was used.</summary>
    public Span<byte> Free(int least = Least)
    {
        if (_start == _end)
        {
            Clear();
        }

        if (_bytes.Length - _end < least)
        {
            ReadOnlySpan<byte> unread = Unread;
            byte[] larger = unread.Length + least > _bytes.Length ? new byte[Math.Max(2 * _bytes.Length, unread.Length + least)] : _bytes;
            unread.CopyTo(larger);
            (_bytes, _start, _end) = (larger, 0, unread.Length);
        }

        return _bytes.AsSpan(_end);
    }

    public void Added(int count) => _end += count;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Free(bytes.Length));
        Added(bytes.Length);
    }
}
