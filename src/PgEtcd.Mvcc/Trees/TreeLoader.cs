using System.Runtime.InteropServices;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>Builds a tree from many changes, in the order in which they were made.</summary>
/// <remarks>Changes are gathered until their number reaches that of the tree's keys, and are then sorted and merged with it. This is twice
/// as fast as single calls of <see cref="KeyTree.Editor.Set(KeyRecord)"/>, where each search misses the caches, and each collection of
/// young objects scans all changed leaves.</remarks>
/// <param name="leastBatch">The least number of changes that are merged.</param>
public sealed class TreeLoader(int leastBatch = 65_536)
{
    private readonly List<Change> _changes = [];
    private KeyTree _tree = KeyTree.Empty;

    /// <summary>Adds a change.</summary>
    /// <param name="record">The new record of the key; a record of version 0 removes the key.</param>
    public void Add(KeyRecord record)
    {
        _changes.Add(new Change(0, record, _changes.Count));
        if (_changes.Count >= Math.Max(leastBatch, _tree.Count))
        {
            Merge();
        }
    }

    /// <summary>The tree after all changes. More changes may follow.</summary>
    public KeyTree Build()
    {
        Merge();
        return _tree;
    }

    private void Merge()
    {
        if (_changes.Count > 0)
        {
            Span<Change> changes = CollectionsMarshal.AsSpan(_changes);
            AddHeads(changes);
            changes.Sort();
            _tree = KeyTree.FromSorted(Merged(_tree.View.ToArray(), _changes));
            _changes.Clear();
        }
    }

    /// <summary>Stores the eight bytes after the common prefix of all keys with each change: most comparisons need only these.</summary>
    private static void AddHeads(Span<Change> changes)
    {
        ReadOnlySpan<byte> common = changes[0].Record.Key;
        foreach (ref readonly Change change in changes)
        {
            common = common[..common.CommonPrefixLength(change.Record.Key)];
        }

        foreach (ref Change change in changes)
        {
            change = change with { Head = KeyHeads.Head(change.Record.Key[common.Length..]) };
        }
    }

    /// <summary>The tree's records, with the last change of each key applied.</summary>
    private static IEnumerable<KeyRecord> Merged(KeyRecord[] records, List<Change> changes)
    {
        int next = 0;
        for (int i = 0; i < changes.Count; i++)
        {
            KeyRecord record = changes[i].Record;
            if (i + 1 < changes.Count && changes[i + 1].Head == changes[i].Head && changes[i + 1].Record.Key.SequenceEqual(record.Key))
            {
                continue;
            }

            int order = 1;
            while (next < records.Length && (order = records[next].Key.SequenceCompareTo(record.Key)) < 0)
            {
                yield return records[next++];
            }

            if (next < records.Length && order == 0)
            {
                next++;
            }

            if (record.Version > 0)
            {
                yield return record;
            }
        }

        while (next < records.Length)
        {
            yield return records[next++];
        }
    }

    private readonly record struct Change(ulong Head, KeyRecord Record, int Number) : IComparable<Change>
    {
        public int CompareTo(Change other)
        {
            int order = Head.CompareTo(other.Head);
            if (order == 0)
            {
                order = Record.Key.SequenceCompareTo(other.Record.Key);
            }

            return order == 0 ? Number.CompareTo(other.Number) : order;
        }
    }
}
