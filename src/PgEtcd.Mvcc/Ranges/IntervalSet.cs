using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Ranges;

/// <summary>A union of key ranges. Kept sorted and merged, so that a crafted request cannot make a check quadratic.</summary>
public sealed class IntervalSet
{
    private static readonly Comparer<(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte>? End)> ByEnd =
        Comparer<(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte>? End)>.Create(static (one, other) => CompareEnds(one.End, other.End));

    // Start inclusive, end exclusive, null for no end; ascending, disjoint, and none touches the next.
    private readonly List<(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte>? End)> _intervals = [];

    /// <summary>An empty set.</summary>
    public IntervalSet()
    {
    }

    /// <summary>A set of ranges, of which empty ones add nothing.</summary>
    public IntervalSet(IEnumerable<KeyRange> ranges)
    {
        foreach (KeyRange range in ranges.OrderBy(static range => range.Start, BytesComparer.Instance)) // so that each goes to the end
        {
            Add(range);
        }
    }

    /// <summary>Adds the keys of a range.</summary>
    public void Add(in KeyRange range)
    {
        if (!range.IsEmpty)
        {
            // The next possible key after a single one is that key followed by a zero byte.
            ReadOnlyMemory<byte> end = range.IsSingleKey ? (byte[])[.. range.Start.Span, 0] : range.End;
            Add(range.Start, range.IsOpenEnded ? default(ReadOnlyMemory<byte>?) : end);
        }
    }

    /// <summary>Adds the keys of another set.</summary>
    public void Add(IntervalSet other)
    {
        foreach ((ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end) in other._intervals)
        {
            Add(start, end);
        }
    }

    /// <summary>Whether the set has a key.</summary>
    public bool Contains(ReadOnlyMemory<byte> key) => Holding(key) is not null;

    /// <summary>Whether the set has every key of a range. Of an empty range it must have the first key.</summary>
    public bool Covers(in KeyRange range) => Holding(range.Start) is { } interval
        && (interval.End is null || range.IsSingleKey || range.IsEmpty
            || (!range.IsOpenEnded && CompareEnds(range.End, interval.End) <= 0));

    private static int CompareEnds(ReadOnlyMemory<byte>? one, ReadOnlyMemory<byte>? other) => one is { } left && other is { } right
        ? left.Span.SequenceCompareTo(right.Span)
        : (one is null).CompareTo(other is null);

    private void Add(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end)
    {
        int first = _intervals.BinarySearch((default, start), ByEnd);
        first = first < 0 ? ~first : first;
        int behind = first;
        for (; behind < _intervals.Count && CompareEnds(_intervals[behind].Start, end) <= 0; behind++)
        {
            if (_intervals[behind].Start.Span.SequenceCompareTo(start.Span) < 0)
            {
                start = _intervals[behind].Start;
            }

            if (CompareEnds(_intervals[behind].End, end) > 0)
            {
                end = _intervals[behind].End;
            }
        }

        _intervals.RemoveRange(first, behind - first);
        _intervals.Insert(first, (start, end));
    }

    /// <summary>The interval that holds a key, or null.</summary>
    private (ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte>? End)? Holding(ReadOnlyMemory<byte> key)
    {
        int index = _intervals.BinarySearch((default, key), ByEnd);
        index = index < 0 ? ~index : index + 1; // an interval that ends at the key does not hold it
        return index < _intervals.Count && _intervals[index].Start.Span.SequenceCompareTo(key.Span) <= 0 ? _intervals[index] : null;
    }
}
