namespace PgEtcd.Mvcc.Keys;

/// <summary>Byte strings are equal if their bytes are, and in the order of their bytes. A dictionary of them can be searched with a span,
/// without a copy.</summary>
public sealed class BytesComparer
    : IEqualityComparer<ReadOnlyMemory<byte>>, IAlternateEqualityComparer<ReadOnlySpan<byte>, ReadOnlyMemory<byte>>,
        IComparer<ReadOnlyMemory<byte>>, IComparer<byte[]>
{
    public static readonly BytesComparer Instance = new();

    private BytesComparer()
    {
    }

    public int Compare(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceCompareTo(y.Span);

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);

    public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

    public bool Equals(ReadOnlySpan<byte> alternate, ReadOnlyMemory<byte> other) => alternate.SequenceEqual(other.Span);

    public int GetHashCode(ReadOnlyMemory<byte> obj) => GetHashCode(obj.Span);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        // Seeded by the process, so that no client can choose keys that collide.
        HashCode hash = new();
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public ReadOnlyMemory<byte> Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
