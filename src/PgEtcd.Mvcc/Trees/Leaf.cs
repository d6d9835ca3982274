using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>Records in key order.</summary>
internal sealed class Leaf : Node
{
    public KeyRecord[] Records;

    private KeyHeads _heads;

    public Leaf(object? owner, ReadOnlySpan<KeyRecord> records, KeyHeads? heads = null)
        : base(owner)
    {
        Records = new KeyRecord[Capacity(records.Length)];
        records.CopyTo(Records);
        Count = records.Length;
        _heads = heads ?? KeyHeads.Of(records);
    }

    public override int Size => Count;

    /// <summary>The index of the key, or the complement of the index at which it would be inserted.</summary>
    public int IndexOf(ReadOnlySpan<byte> key)
    {
        _heads.Narrow(key, out int low, out int high);
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            int order = Records[middle].Key.SequenceCompareTo(key);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return ~low;
    }

    /// <summary>This leaf, or a copy that belongs to the edit.</summary>
    public Leaf Own(object owner) => ReferenceEquals(Owner, owner) ? this : new Leaf(owner, Records.AsSpan(0, Count), _heads);

    /// <summary>Inserts into an owned leaf. A full leaf is split, and its new right half is returned.</summary>
    public Leaf? Insert(int index, KeyRecord record)
    {
        if (Count < Max)
        {
            if (Count == Records.Length)
            {
                Array.Resize(ref Records, Capacity(Count + 1));
            }

            Array.Copy(Records, index, Records, index + 1, Count - index);
            Records[index] = record;
            Count++;
            _heads = _heads.TryInsert(index, record.Key) ?? KeyHeads.Of(Records.AsSpan(0, Count));
            return null;
        }

        // Ascending inserts always hit the end of the last leaf; a half-and-half split would leave all others half empty.
        int keep = index == Max ? Max - Min : Max / 2;
        Leaf right = new(Owner, Records.AsSpan(keep, Max - keep));
        Array.Clear(Records, keep, Max - keep);
        Count = keep;
        _heads = KeyHeads.Of(Records.AsSpan(0, keep));
        if (index > keep)
        {
            right.Insert(index - keep, record);
        }
        else
        {
            Insert(index, record);
        }

        return right;
    }

    /// <summary>Removes from an owned leaf.</summary>
    public void RemoveAt(int index)
    {
        Count--;
        Array.Copy(Records, index + 1, Records, index, Count - index);
        Records[Count] = null!;
        _heads = _heads.RemoveAt(index);
    }

    // Small trees (the keys of one lease) should not take the space of a whole node.
    private static int Capacity(int count) => Math.Min(Max, (count + 7) & ~7);
}
