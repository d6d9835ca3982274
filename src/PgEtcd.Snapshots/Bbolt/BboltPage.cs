using System.Buffers.Binary;

namespace PgEtcd.Snapshots.Bbolt;

/// <summary>A branch or leaf page, or the leaf page inside the value of a small bucket. Nothing in it is trusted.</summary>
internal sealed class BboltPage
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly Func<string, SnapshotException> _damaged;
    private readonly ulong _id;

    /// <param name="bytes">The page with its header and overflow.</param>
    /// <param name="damaged">Makes an exception from the reason.</param>
    /// <exception cref="SnapshotException">The page is neither branch nor leaf, or holds more elements than fit.</exception>
    public BboltPage(ReadOnlyMemory<byte> bytes, Func<string, SnapshotException> damaged)
    {
        _bytes = bytes;
        _damaged = damaged;
        ReadOnlySpan<byte> header = bytes.Span;
        _id = BinaryPrimitives.ReadUInt64LittleEndian(header);
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
        if (flags is not (BboltFormat.BranchPage or BboltFormat.LeafPage))
        {
            throw damaged($"page {_id} should be a branch or a leaf and has flags 0x{flags:x}");
        }

        IsLeaf = flags == BboltFormat.LeafPage;
        Count = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        if (BboltFormat.PageHeader + (Count * BboltFormat.Element) > bytes.Length)
        {
            throw damaged($"page {_id} says it has {Count} elements, which do not fit in it");
        }
    }

    public bool IsLeaf { get; }

    public int Count { get; }

    /// <summary>The page below an element of a branch.</summary>
    public ulong Child(int index) => BinaryPrimitives.ReadUInt64LittleEndian(ElementAt(index)[8..]);

    /// <summary>An element of a leaf.</summary>
    /// <exception cref="SnapshotException">The element reaches beyond the page.</exception>
    public BboltEntry Entry(int index)
    {
        ReadOnlySpan<byte> element = ElementAt(index);
        long keyAt = BboltFormat.PageHeader + (index * BboltFormat.Element) + (long)BinaryPrimitives.ReadUInt32LittleEndian(element[4..]);
        long keyLength = BinaryPrimitives.ReadUInt32LittleEndian(element[8..]);
        long valueLength = BinaryPrimitives.ReadUInt32LittleEndian(element[12..]);
        if (keyAt + keyLength + valueLength > _bytes.Length)
        {
            throw _damaged($"element {index} of page {_id} reaches beyond the page");
        }

        return new BboltEntry(
            _bytes.Slice((int)keyAt, (int)keyLength),
            _bytes.Slice((int)(keyAt + keyLength), (int)valueLength),
            (BinaryPrimitives.ReadUInt32LittleEndian(element) & BboltFormat.BucketElement) != 0);
    }

    private ReadOnlySpan<byte> ElementAt(int index) =>
        _bytes.Span.Slice(BboltFormat.PageHeader + (index * BboltFormat.Element), BboltFormat.Element);
}

/// <summary>A key and its value.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; may be empty.</param>
/// <param name="IsBucket">The value is a bucket.</param>
internal readonly record struct BboltEntry(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, bool IsBucket);
