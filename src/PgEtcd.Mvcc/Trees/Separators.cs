namespace PgEtcd.Mvcc.Trees;

/// <summary>
/// The separators of a branch's children, one fewer than the children: child i + 1 has the keys from separator i on. Each is only as long
/// as is needed to separate its neighbours. Immutable: copies of a branch share it until a child is split or removed.
/// </summary>
internal sealed class Separators(params byte[][] keys)
{
    private readonly byte[][] _keys = keys;
    private readonly KeyHeads _heads = KeyHeads.Of(keys);

    public ReadOnlySpan<byte[]> Keys => _keys;

    /// <summary>The index of the child for a key: the number of separators that are not above it.</summary>
    public int ChildOf(ReadOnlySpan<byte> key)
    {
        _heads.Narrow(key, out int low, out int high);
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_keys[middle].AsSpan().SequenceCompareTo(key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    public Separators Insert(int index, byte[] key) => new([.. Keys[..index], key, .. Keys[index..]]);

    public Separators Replace(int index, byte[] key) => new([.. Keys[..index], key, .. Keys[(index + 1)..]]);

    public Separators RemoveAt(int index) => new([.. Keys[..index], .. Keys[(index + 1)..]]);

    public Separators Slice(int start, int count) => new([.. Keys.Slice(start, count)]);

    /// <summary>The shortest byte string above every key of the left leaf and not above any key of the right one.</summary>
    public static byte[] Between(Leaf left, Leaf right)
    {
        ReadOnlySpan<byte> below = left.Records[left.Count - 1].Key;
        ReadOnlySpan<byte> above = right.Records[0].Key;
        return above[..(below.CommonPrefixLength(above) + 1)].ToArray();
    }
}
