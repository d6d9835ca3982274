namespace PgEtcd.Mvcc;

/// <summary>Children in key order, with what divides them and how many records each holds.</summary>
internal sealed class Branch : Node
{
    public readonly Node[] Children;

    /// <summary>Child i + 1 holds the keys from separator i on. No longer than needed to tell the neighbours apart.</summary>
    public readonly byte[][] Separators;

    public readonly int[] Sizes;

    private int _size;

    public Branch(object? owner, ReadOnlySpan<Node> children, ReadOnlySpan<byte[]> separators)
        : base(owner)
    {
        Count = children.Length;
        Children = new Node[Max];
        Separators = new byte[Max][];
        Sizes = new int[Max];
        children.CopyTo(Children);
        separators.CopyTo(Separators);
        for (int i = 0; i < children.Length; i++)
            _size += Sizes[i] = children[i].Size;
    }

    private Branch(object owner, Branch original)
        : base(owner)
    {
        Count = original.Count;
        _size = original._size;
        Children = new Node[Max];
        Separators = new byte[Max][];
        Sizes = new int[Max];
        Array.Copy(original.Children, Children, Count);
        Array.Copy(original.Separators, Separators, Count - 1);
        Array.Copy(original.Sizes, Sizes, Count);
    }

    public override int Size => _size;

    /// <summary>The child whose span holds the key: how many separators are not above it.</summary>
    public int ChildOf(ReadOnlySpan<byte> key)
    {
        byte[][] separators = Separators;
        int low = 0;
        int high = Count - 1;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (separators[middle].AsSpan().SequenceCompareTo(key) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>This branch, or a copy that belongs to the edit.</summary>
    public Branch Own(object owner) => ReferenceEquals(Owner, owner) ? this : new Branch(owner, this);

    /// <summary>Replaces a child of an owned branch.</summary>
    public void SetChild(int index, Node child)
    {
        Children[index] = child;
        int size = child.Size;
        _size += size - Sizes[index];
        Sizes[index] = size;
    }

    /// <summary>
    /// Inserts a child behind the one at <paramref name="index"/> into an owned branch. A full one is split: its new right
    /// part is returned and <paramref name="separator"/> becomes what divides the two.
    /// </summary>
    public Branch? InsertAfter(int index, Node child, ref byte[] separator)
    {
        Branch? right = null;
        Branch target = this;
        byte[] inserted = separator;
        if (Count == Max)
        {
            int keep = index == Max - 1 ? Max - Min : Max / 2;
            right = new Branch(Owner, Children.AsSpan(keep, Max - keep), Separators.AsSpan(keep, Max - keep - 1));
            separator = Separators[keep - 1];
            Truncate(keep);
            if (index >= keep)
            {
                target = right;
                index -= keep;
            }
        }
        int moved = target.Count - index - 1;
        Array.Copy(target.Children, index + 1, target.Children, index + 2, moved);
        Array.Copy(target.Sizes, index + 1, target.Sizes, index + 2, moved);
        Array.Copy(target.Separators, index, target.Separators, index + 1, moved);
        target.Children[index + 1] = child;
        target.Sizes[index + 1] = child.Size;
        target.Separators[index] = inserted;
        target._size += child.Size;
        target.Count++;
        return right;
    }

    /// <summary>Brings a child of an owned branch that has become too small together with a neighbour.</summary>
    public void Refill(int index, object owner)
    {
        int left = index > 0 ? index - 1 : 0;
        (Node first, byte[]? separator, Node? second) = Children[left] is Branch branch
            ? Join(branch, Separators[left], (Branch)Children[left + 1], owner)
            : Join((Leaf)Children[left], (Leaf)Children[left + 1], owner);
        if (second is not null)
        {
            SetChild(left, first);
            SetChild(left + 1, second);
            Separators[left] = separator!;
            return;
        }
        SetChild(left, first);
        _size -= Sizes[left + 1];
        int moved = Count - left - 2;
        Array.Copy(Children, left + 2, Children, left + 1, moved);
        Array.Copy(Sizes, left + 2, Sizes, left + 1, moved);
        Array.Copy(Separators, left + 1, Separators, left, moved);
        Count--;
        Children[Count] = null!;
        Separators[Count - 1] = null!;
        Sizes[Count] = 0;
    }

    /// <summary>The shortest byte string above every key of the left leaf and not above any key of the right one.</summary>
    public static byte[] Separate(Leaf left, Leaf right)
    {
        ReadOnlySpan<byte> below = left.Records[left.Count - 1].Key;
        ReadOnlySpan<byte> above = right.Records[0].Key;
        return above[..(below.CommonPrefixLength(above) + 1)].ToArray();
    }

    private static (Node First, byte[]? Separator, Node? Second) Join(Leaf left, Leaf right, object owner)
    {
        KeyRecord[] records = [.. left.Records.AsSpan(0, left.Count), .. right.Records.AsSpan(0, right.Count)];
        if (records.Length <= Max - Min)
            return (new Leaf(owner, records), null, null);
        int half = records.Length / 2;
        var first = new Leaf(owner, records.AsSpan(0, half));
        var second = new Leaf(owner, records.AsSpan(half));
        return (first, Separate(first, second), second);
    }

    private static (Node First, byte[]? Separator, Node? Second) Join(Branch left, byte[] separator, Branch right, object owner)
    {
        Node[] children = [.. left.Children.AsSpan(0, left.Count), .. right.Children.AsSpan(0, right.Count)];
        byte[][] separators =
            [.. left.Separators.AsSpan(0, left.Count - 1), separator, .. right.Separators.AsSpan(0, right.Count - 1)];
        if (children.Length <= Max - Min)
            return (new Branch(owner, children, separators), null, null);
        int half = children.Length / 2;
        var first = new Branch(owner, children.AsSpan(0, half), separators.AsSpan(0, half - 1));
        var second = new Branch(owner, children.AsSpan(half), separators.AsSpan(half));
        return (first, separators[half - 1], second);
    }

    private void Truncate(int count)
    {
        for (int i = count; i < Count; i++)
            _size -= Sizes[i];
        Array.Clear(Children, count, Max - count);
        Array.Clear(Sizes, count, Max - count);
        Array.Clear(Separators, count - 1, Max - count + 1);
        Count = count;
    }
}
