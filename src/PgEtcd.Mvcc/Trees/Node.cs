using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>
/// A node of the B+tree. A node belongs to the edit that made it (<see cref="Owner"/>): only that edit, and only until it
/// freezes, may change it; for all other readers it is immutable.
/// </summary>
internal abstract class Node(object? owner)
{
    /// <summary>Most records in a leaf, most children in a branch.</summary>
    public const int Max = 64;

    /// <summary>Fewest records or children, except at the root.</summary>
    public const int Min = Max / 4;

    public readonly object? Owner = owner;

    /// <summary>The number of a leaf's records or a branch's children.</summary>
    public int Count;

    /// <summary>The number of records below this node.</summary>
    public abstract int Size { get; }

    public static KeyRecord? Find(Node? node, ReadOnlySpan<byte> key)
    {
        while (node is Branch branch)
        {
            node = branch.Children[branch.ChildOf(key)];
        }

        return node is Leaf leaf && leaf.IndexOf(key) is >= 0 and int index ? leaf.Records[index] : null;
    }

    /// <summary>The number of keys before <paramref name="key"/>.</summary>
    public static int Rank(Node? node, ReadOnlySpan<byte> key)
    {
        int rank = 0;
        while (node is Branch branch)
        {
            int child = branch.ChildOf(key);
            for (int i = 0; i < child; i++)
            {
                rank += branch.Sizes[i];
            }

            node = branch.Children[child];
        }

        if (node is Leaf leaf)
        {
            int index = leaf.IndexOf(key);
            rank += index >= 0 ? index : ~index;
        }

        return rank;
    }

    /// <summary>The leaf with the record at a position in key order, and the record's index in it.</summary>
    public static Leaf Locate(Node node, int position, out int index)
    {
        while (node is Branch branch)
        {
            int child = 0;
            for (; position >= branch.Sizes[child]; child++)
            {
                position -= branch.Sizes[child];
            }

            node = branch.Children[child];
        }

        index = position;
        return (Leaf)node;
    }

    /// <summary>Positions of a range's keys in key order: the first is included, the second is not.</summary>
    public static (int Start, int End) Positions(Node? node, in KeyRange range)
    {
        if (node is null || range.IsEmpty)
        {
            return (0, 0);
        }

        int start = Rank(node, range.Start.Span);
        int end = range.IsOpenEnded ? node.Size
            : !range.IsSingleKey ? Rank(node, range.End.Span)
            : Find(node, range.Start.Span) is null ? start
            : start + 1;
        return (start, end);
    }

    /// <summary>Copies records in key order, beginning at a position, until the destination is full.</summary>
    public static void Copy(Node? node, int position, Span<KeyRecord> destination)
    {
        while (!destination.IsEmpty)
        {
            Leaf leaf = Locate(node!, position, out int index);
            int count = Math.Min(leaf.Count - index, destination.Length);
            leaf.Records.AsSpan(index, count).CopyTo(destination);
            destination = destination[count..];
            position += count;
        }
    }
}
