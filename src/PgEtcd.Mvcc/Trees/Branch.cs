using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>Children in key order, with their separators and the number of records in each.</summary>
internal sealed class Branch : Node
{
    public readonly Node[] Children;

    public readonly int[] Sizes;

    private int _size;

    public Branch(object? owner, ReadOnlySpan<Node> children, Separators separators)
        : base(owner)
    {
        Count = children.Length;
        Children = new Node[Max];
        Sizes = new int[Max];
        Separators = separators;
        children.CopyTo(Children);
        for (int i = 0; i < children.Length; i++)
        {
            _size += Sizes[i] = children[i].Size;
        }
    }

    private Branch(object owner, Branch original)
        : base(owner)
    {
        Count = original.Count;
        _size = original._size;
        Children = new Node[Max];
        Sizes = new int[Max];
        Separators = original.Separators;
        Array.Copy(original.Children, Children, Count);
        Array.Copy(original.Sizes, Sizes, Count);
    }

    public override int Size => _size;

    public Separators Separators { get; private set; }

    public int ChildOf(ReadOnlySpan<byte> key) => Separators.ChildOf(key);

    /// <summary>This branch, or a copy that belongs to the edit.</summary>
    public Branch Own(object owner) => ReferenceEquals(Owner, owner) ? this : new Branch(owner, this);

    /// <summary>Replaces a child of an owned branch.</summary>
    public void SetChild(int index, Node child)
    {
        if (!ReferenceEquals(Children[index], child))
        {
            Children[index] = child;
        }

        int size = child.Size;
        _size += size - Sizes[index];
        Sizes[index] = size;
    }

    /// <summary>
    /// Inserts a child after the one at <paramref name="index"/> into an owned branch. A full branch is split: its new right part is
    /// returned, and <paramref name="separator"/> becomes the separator of the two.
    /// </summary>
    public Branch? InsertAfter(int index, Node child, ref byte[] separator)
    {
        if (Count < Max)
        {
            Insert(index + 1, child, separator);
            return null;
        }

        int keep = index == Max - 1 ? Max - Min : Max / 2;
        Branch right = new(Owner, Children.AsSpan(keep, Max - keep), Separators.Slice(keep, Max - keep - 1));
        byte[] dividing = Separators.Keys[keep - 1];
        Truncate(keep);
        if (index >= keep)
        {
            right.Insert(index + 1 - keep, child, separator);
        }
        else
        {
            Insert(index + 1, child, separator);
        }

        separator = dividing;
        return right;
    }

    /// <summary>Merges a child of an owned branch that has become too small with a neighbour, or evens out the two.</summary>
    public void Refill(int index, object owner)
    {
        int left = index > 0 ? index - 1 : 0;
        (Node first, byte[]? separator, Node? second) = Children[left] is Branch branch
            ? Join(branch, Separators.Keys[left], (Branch)Children[left + 1], owner)
            : Join((Leaf)Children[left], (Leaf)Children[left + 1], owner);
        SetChild(left, first);
        if (second is not null)
        {
            SetChild(left + 1, second);
            Separators = Separators.Replace(left, separator!);
            return;
        }

        _size -= Sizes[left + 1];
        int moved = Count - left - 2;
        Array.Copy(Children, left + 2, Children, left + 1, moved);
        Array.Copy(Sizes, left + 2, Sizes, left + 1, moved);
        Count--;
        Children[Count] = null!;
        Sizes[Count] = 0;
        Separators = Separators.RemoveAt(left);
    }

    private static (Node First, byte[]? Separator, Node? Second) Join(Leaf left, Leaf right, object owner)
    {
        KeyRecord[] records = [.. left.Records.AsSpan(0, left.Count), .. right.Records.AsSpan(0, right.Count)];
        if (records.Length <= Max - Min)
        {
            return (new Leaf(owner, records), null, null);
        }

        int half = records.Length / 2;
        Leaf first = new(owner, records.AsSpan(0, half));
        Leaf second = new(owner, records.AsSpan(half));
        return (first, Separators.Between(first, second), second);
    }

    private static (Node First, byte[]? Separator, Node? Second) Join(Branch left, byte[] separator, Branch right, object owner)
    {
        Node[] children = [.. left.Children.AsSpan(0, left.Count), .. right.Children.AsSpan(0, right.Count)];
        Separators separators = new([.. left.Separators.Keys, separator, .. right.Separators.Keys]);
        if (children.Length <= Max - Min)
        {
            return (new Branch(owner, children, separators), null, null);
        }

        int half = children.Length / 2;
        Branch first = new(owner, children.AsSpan(0, half), separators.Slice(0, half - 1));
        Branch second = new(owner, children.AsSpan(half), separators.Slice(half, children.Length - half - 1));
        return (first, separators.Keys[half - 1], second);
    }

    private void Insert(int index, Node child, byte[] separator)
    {
        Array.Copy(Children, index, Children, index + 1, Count - index);
        Array.Copy(Sizes, index, Sizes, index + 1, Count - index);
        Children[index] = child;
        Sizes[index] = child.Size;
        _size += child.Size;
        Count++;
        Separators = Separators.Insert(index - 1, separator);
    }

    private void Truncate(int count)
    {
        for (int i = count; i < Count; i++)
        {
            _size -= Sizes[i];
        }

        Array.Clear(Children, count, Max - count);
        Array.Clear(Sizes, count, Max - count);
        Separators = Separators.Slice(0, count - 1);
        Count = count;
    }
}
