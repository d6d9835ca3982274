using System.Buffers;
using System.Buffers.Binary;

namespace PgEtcd.Snapshots.Bbolt;

/// <summary>A branch or leaf page that is being filled. If it is only measured it holds lengths and the first key, no data.</summary>
internal sealed class PageBuilder(bool isLeaf, bool isMeasured)
{
    private readonly List<Slot> _slots = [];
    private readonly ArrayBufferWriter<byte> _data = new();
    private byte[] _firstKey = [];
    private int _dataLength;

    public int Count => _slots.Count;

    public ReadOnlySpan<byte> FirstKey => _firstKey;

    /// <summary>The number of its pages: one, or more for a value, or for keys of a branch, that are larger than a page.</summary>
    public int Pages => (Length + BboltFormat.PageSize - 1) / BboltFormat.PageSize;

    private int Length => BboltFormat.PageHeader + (Count * BboltFormat.Element) + _dataLength;

    /// <summary>Whether another element leaves it within one page.</summary>
    public bool HasRoomFor(int keyAndValueLength) => Length + BboltFormat.Element + keyAndValueLength <= BboltFormat.PageSize;

    /// <summary>Adds an element to a leaf.</summary>
    public void AddEntry(ReadOnlySpan<byte> key, int valueLength, ReadOnlySpan<byte> value, bool isBucket) =>
        Add(new Slot(_dataLength, key.Length, valueLength, isBucket ? BboltFormat.BucketElement : 0), key, value);

    /// <summary>Adds an element to a branch.</summary>
    public void AddChild(ReadOnlySpan<byte> key, ulong page) => Add(new Slot(_dataLength, key.Length, 0, page), key, []);

    public void Clear()
    {
        _slots.Clear();
        _data.ResetWrittenCount();
        _dataLength = 0;
    }

    /// <summary>Writes the page.</summary>
    /// <param name="page">A zeroed buffer with the length of <see cref="Pages"/> pages.</param>
    /// <param name="id">The page's number.</param>
    public void WriteTo(Span<byte> page, ulong id)
    {
        BboltFormat.WritePageHeader(page, id, isLeaf ? BboltFormat.LeafPage : BboltFormat.BranchPage, Count, Pages - 1);
        for (int i = 0; i < Count; i++)
        {
            Slot slot = _slots[i];
            Span<byte> element = page.Slice(BboltFormat.PageHeader + (i * BboltFormat.Element), BboltFormat.Element);
            // The position is relative to the element itself.
            uint position = (uint)(((Count - i) * BboltFormat.Element) + slot.DataAt);
            if (isLeaf)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(element, (uint)slot.FlagsOrChild);
                BinaryPrimitives.WriteUInt32LittleEndian(element[4..], position);
                BinaryPrimitives.WriteUInt32LittleEndian(element[8..], (uint)slot.KeyLength);
                BinaryPrimitives.WriteUInt32LittleEndian(element[12..], (uint)slot.ValueLength);
            }
            else
            {
                BinaryPrimitives.WriteUInt32LittleEndian(element, position);
                BinaryPrimitives.WriteUInt32LittleEndian(element[4..], (uint)slot.KeyLength);
                BinaryPrimitives.WriteUInt64LittleEndian(element[8..], slot.FlagsOrChild);
            }
        }

        _data.WrittenSpan.CopyTo(page[(BboltFormat.PageHeader + (Count * BboltFormat.Element))..]);
    }

    private void Add(Slot slot, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (Count == 0)
        {
            _firstKey = key.ToArray();
        }

        _slots.Add(slot);
        _dataLength += slot.KeyLength + slot.ValueLength;
        if (!isMeasured)
        {
            _data.Write(key);
            _data.Write(value);
        }
    }

    private readonly record struct Slot(int DataAt, int KeyLength, int ValueLength, ulong FlagsOrChild);
}
