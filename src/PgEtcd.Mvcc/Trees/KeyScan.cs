using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>Records of a range in key order, for foreach; allocates nothing.</summary>
public struct KeyScan
{
    private readonly Node? _root;
    private readonly int _end;
    private int _next;
    private Leaf? _leaf;
    private int _index;

    internal KeyScan(Node? root, int start, int end)
    {
        _root = root;
        _next = start;
        _end = end;
    }

    public readonly KeyRecord Current => _leaf!.Records[_index];

    public readonly KeyScan GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_next >= _end)
        {
            return false;
        }

        // Descending again for each leaf costs little and needs no stack of parents.
        if (_leaf is null || ++_index == _leaf.Count)
        {
            _leaf = Node.Locate(_root!, _next, out _index);
        }

        _next++;
        return true;
    }
}
