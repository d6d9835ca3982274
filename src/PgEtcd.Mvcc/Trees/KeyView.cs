using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>The reads that a tree and an edit of a tree have in common.</summary>
internal readonly struct KeyView(Node? root)
{
    public int Count => root?.Size ?? 0;

    public KeyRecord? Find(ReadOnlySpan<byte> key) => Node.Find(root, key);

    public int CountRange(in KeyRange range)
    {
        (int start, int end) = Node.Positions(root, range);
        return end - start;
    }

    public KeyScan Scan(in KeyRange range)
    {
        (int start, int end) = Node.Positions(root, range);
        return new KeyScan(root, start, end);
    }

    /// <summary>The positions of the range's beginning and end in key order, for <see cref="Slice(int, int)"/>.</summary>
    public (int Start, int End) Positions(in KeyRange range) => Node.Positions(root, range);

    public KeyRecord[] Slice(in KeyRange range)
    {
        // One search, where positions would take three.
        if (range.IsSingleKey)
        {
            return Find(range.Start.Span) is { } record ? [record] : [];
        }

        (int start, int end) = Positions(range);
        return Slice(start, end - start);
    }

    /// <summary>A copy of all records, in key order.</summary>
    public KeyRecord[] ToArray() => Slice(0, Count);

    public KeyRecord[] Slice(int start, int count)
    {
        if (count == 0)
        {
            return [];
        }

        KeyRecord[] records = new KeyRecord[count];
        Node.Copy(root, start, records);
        return records;
    }
}
