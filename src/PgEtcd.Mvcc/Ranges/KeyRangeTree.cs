using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Ranges;

/// <summary>
/// An interval tree of ranges, each with its items. It is a treap, ordered by start and then end, and balanced by random priorities. Each
/// node knows the range that ends last in its subtree, so that a search skips subtrees that end before the key.
/// </summary>
internal sealed class KeyRangeTree<T>
    where T : notnull
{
    private Node? _root;

    /// <summary>Adds an item; false if it has this range already.</summary>
    public bool Add(in KeyRange range, T item)
    {
        bool added = false;
        _root = Add(_root, range, item, ref added);
        return added;
    }

    /// <summary>Removes an item; false if it does not have this range.</summary>
    public bool Remove(in KeyRange range, T item)
    {
        bool removed = false;
        _root = Remove(_root, range, item, ref removed);
        return removed;
    }

    /// <summary>Appends the items of every range that contains the key.</summary>
    /// <returns>The number of visited nodes; tests bound it.</returns>
    public int Find(ReadOnlySpan<byte> key, List<T> found) => Find(_root, key, found);

    private static int Find(Node? node, ReadOnlySpan<byte> key, List<T> found)
    {
        int visited = 0;
        for (; node is not null && EndsBehind(node.Furthest.Range, key); node = node.Right)
        {
            visited += 1 + Find(node.Left, key, found);
            // This range and all those to the right begin after the key.
            if (key.SequenceCompareTo(node.Range.Start.Span) < 0)
            {
                break;
            }

            if (EndsBehind(node.Range, key))
            {
                node.Items.AppendTo(found);
            }
        }

        return visited;
    }

    private static Node Add(Node? node, in KeyRange range, T item, ref bool added)
    {
        node ??= new Node(range);
        int order = Compare(range, node.Range);
        if (order == 0)
        {
            added = node.Items.Add(item);
            return node;
        }

        bool isRight = order > 0;
        Node child = Add(node.Child(isRight), range, item, ref added);
        node.Child(isRight) = child;
        if (child.Priority > node.Priority)
        {
            node.Child(isRight) = child.Child(!isRight);
            child.Child(!isRight) = node;
            node.FindFurthest();
            node = child;
        }

        node.FindFurthest();
        return node;
    }

    private static Node? Remove(Node? node, in KeyRange range, T item, ref bool removed)
    {
        if (node is null)
        {
            return null;
        }

        int order = Compare(range, node.Range);
        if (order == 0)
        {
            removed = node.Items.Remove(item);
            return node.Items.IsEmpty ? Join(node.Left, node.Right) : node;
        }

        node.Child(order > 0) = Remove(node.Child(order > 0), range, item, ref removed);
        node.FindFurthest();
        return node;
    }

    /// <summary>Joins two trees, of which the left has only ranges before those of the right.</summary>
    private static Node? Join(Node? left, Node? right)
    {
        if (left is null || right is null)
        {
            return left ?? right;
        }

        bool isLeftTop = left.Priority > right.Priority;
        Node top = isLeftTop ? left : right;
        top.Child(isLeftTop) = isLeftTop ? Join(left.Right, right) : Join(left, right.Left);
        top.FindFurthest();
        return top;
    }

    private static int Compare(in KeyRange a, in KeyRange b)
    {
        int byStart = a.Start.Span.SequenceCompareTo(b.Start.Span);
        return byStart != 0 ? byStart : CompareEnds(a, b);
    }

    private static int CompareEnds(in KeyRange a, in KeyRange b) => a.IsOpenEnded || b.IsOpenEnded
        ? a.IsOpenEnded.CompareTo(b.IsOpenEnded)
        : a.End.Span.SequenceCompareTo(b.End.Span);

    private static bool EndsBehind(in KeyRange range, ReadOnlySpan<byte> key) =>
        range.IsOpenEnded || range.End.Span.SequenceCompareTo(key) > 0;

    private sealed class Node
    {
        public readonly KeyRange Range;
        public readonly int Priority = Random.Shared.Next();
        public ItemSet<T> Items;
        public Node? Left;
        public Node? Right;

        public Node(in KeyRange range)
        {
            Range = range;
            Furthest = this;
        }

        /// <summary>The node whose range ends last, of this node and all below it.</summary>
        public Node Furthest { get; private set; }

        public ref Node? Child(bool isRight) => ref isRight ? ref Right : ref Left;

        /// <summary>Must be called after a child has changed, children first.</summary>
        public void FindFurthest() => Furthest = Further(Further(this, Left?.Furthest), Right?.Furthest);

        private static Node Further(Node one, Node? other) =>
            other is not null && CompareEnds(other.Range, one.Range) > 0 ? other : one;
    }
}
