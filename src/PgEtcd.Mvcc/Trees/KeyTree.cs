using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>
/// A persistent B+tree of records by key (unsigned, bytewise). A tree is a value: it never changes, readers need no lock,
/// and an <see cref="Edit"/> makes a new tree that shares all untouched nodes with this one.
/// </summary>
public sealed partial class KeyTree
{
    private readonly Node? _root;

    private KeyTree(Node? root) => _root = root;

    public static KeyTree Empty { get; } = new(null);

    public int Count => _root?.Size ?? 0;

    internal KeyView View => new(_root);

    public KeyRecord? Find(ReadOnlySpan<byte> key) => Node.Find(_root, key);

    /// <summary>The number of keys in the range, in O(log n).</summary>
    public int CountRange(in KeyRange range) => View.CountRange(range);

    /// <summary>The records of the range in key order.</summary>
    public KeyScan Scan(in KeyRange range) => View.Scan(range);

    /// <summary>Copies the first records of the range in key order, up to the size of the destination; returns their number.</summary>
    public int CopyTo(in KeyRange range, Span<KeyRecord> destination)
    {
        (int start, int end) = View.Positions(range);
        int count = Math.Min(end - start, destination.Length);
        Node.Copy(_root, start, destination[..count]);
        return count;
    }

    /// <summary>Starts an edit. Any number of edits may start from one tree; none changes it.</summary>
    public Editor Edit() => new(_root);

    /// <summary>Builds a tree of full leaves in O(n) from records in strictly ascending key order.</summary>
    /// <exception cref="ArgumentException">The keys are not strictly ascending.</exception>
    public static KeyTree FromSorted(IEnumerable<KeyRecord> records) => new(TreeBuilder.Build(records));

    /// <summary>Joins trees of pieces of the key space.</summary>
    /// <param name="pieces">In order: each key is higher than all keys of earlier pieces.</param>
    public static KeyTree Joined(IEnumerable<KeyTree> pieces) =>
        FromSorted(pieces.SelectMany(static piece => piece.View.ToArray()));

    internal void CheckInvariants() => TreeInvariants.Check(_root);
}
