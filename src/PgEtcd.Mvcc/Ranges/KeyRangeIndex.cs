using System.Runtime.InteropServices;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Ranges;

/// <summary>
/// Finds the items (watchers) of a key, each of which has a key or a range of keys. Single keys, often tens of thousands, are in a hash
/// table; ranges are in an interval tree. Not thread-safe.
/// </summary>
/// <remarks>The bytes of a range are not copied, so they must not change while the index has the range.</remarks>
public sealed class KeyRangeIndex<T>
    where T : notnull
{
    private readonly Dictionary<ReadOnlyMemory<byte>, Holder> _keys;
    private readonly Dictionary<ReadOnlyMemory<byte>, Holder>.AlternateLookup<ReadOnlySpan<byte>> _keysBySpan;
    private readonly KeyRangeTree<T> _ranges = new();

    public KeyRangeIndex()
    {
        _keys = new Dictionary<ReadOnlyMemory<byte>, Holder>(BytesComparer.Instance);
        _keysBySpan = _keys.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>The number of pairs of range and item.</summary>
    public int Count { get; private set; }

    /// <summary>Adds an item to a range, in O(log n). An item may have any number of ranges; an empty range contains no key.</summary>
    /// <returns>False if the item has exactly this range already; nothing changes then.</returns>
    public bool Add(in KeyRange range, T item)
    {
        bool added;
        if (range.IsSingleKey)
        {
            Holder holder = CollectionsMarshal.GetValueRefOrAddDefault(_keys, range.Start, out _) ??= new Holder();
            added = holder.Items.Add(item);
        }
        else
        {
            added = _ranges.Add(range, item);
        }

        Count += added ? 1 : 0;
        return added;
    }

    /// <summary>Removes an item from a range, in O(log n).</summary>
    /// <returns>False if the item did not have exactly this range.</returns>
    public bool Remove(in KeyRange range, T item)
    {
        bool removed;
        if (range.IsSingleKey)
        {
            removed = _keys.TryGetValue(range.Start, out Holder? holder) && holder.Items.Remove(item);
            if (removed && holder!.Items.IsEmpty)
            {
                _keys.Remove(range.Start);
            }
        }
        else
        {
            removed = _ranges.Remove(range, item);
        }

        Count -= removed ? 1 : 0;
        return removed;
    }

    /// <summary>
    /// Appends the items of every range that contains the key, in no particular order; an item with two such ranges appears twice. Costs
    /// O(log n) for each such range, and once more; the items of the key itself cost one look-up.
    /// </summary>
    public void Find(ReadOnlySpan<byte> key, List<T> found)
    {
        if (_keysBySpan.TryGetValue(key, out Holder? holder))
        {
            holder.Items.AppendTo(found);
        }

        _ranges.Find(key, found);
    }

    private sealed class Holder
    {
        public ItemSet<T> Items;
    }
}
