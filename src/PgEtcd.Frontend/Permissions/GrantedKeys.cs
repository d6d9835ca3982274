using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Permissions;

/// <summary>The union of the key ranges that a user may read, or write. Immutable.</summary>
public sealed class GrantedKeys
{
    // Start inclusive, end exclusive; null: no end. Ascending and disjoint: adjacent ranges were merged.
    private readonly List<(byte[] Start, byte[]? End)> _ranges = [];

    /// <param name="ranges">Key and range_end by etcd's conventions; an empty range grants nothing.</param>
    public GrantedKeys(IEnumerable<(byte[] Key, byte[] RangeEnd)> ranges)
    {
        IEnumerable<(byte[] Start, byte[]? End)> sorted = ranges
            .Select(range => (range.Key, End: EndOf(new KeyRange(range.Key, range.RangeEnd))))
            .Where(range => IsBelow(range.Key, range.End))
            .OrderBy(range => range.Key, Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right)));
        foreach ((byte[] start, byte[]? end) in sorted)
        {
            if (_ranges.Count > 0 && !IsBehind(start, _ranges[^1].End))
            {
                byte[]? last = _ranges[^1].End;
                _ranges[^1] = (_ranges[^1].Start, last is null || end is null ? null : Later(last, end));
            }
            else
            {
                _ranges.Add((start, end));
            }
        }
    }

    /// <summary>Whether every key of the range is granted. If the range is empty because its end is not above its start, only the start
    /// must be granted (semantics.md §11).</summary>
    public bool Cover(in KeyRange asked)
    {
        ReadOnlySpan<byte> start = asked.Start.Span;
        int index = LastStartingAtOrBefore(start);
        if (index < 0)
        {
            return false;
        }

        byte[]? end = _ranges[index].End;
        return end is null
            || (start.SequenceCompareTo(end) < 0
                && (asked.IsSingleKey || asked.IsEmpty || (!asked.IsOpenEnded && asked.End.Span.SequenceCompareTo(end) <= 0)));
    }

    private int LastStartingAtOrBefore(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_ranges[middle].Start.AsSpan().SequenceCompareTo(key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }

    /// <summary>The first key after the range; after a single key, that key with a zero byte appended.</summary>
    private static byte[]? EndOf(in KeyRange range) =>
        range.IsOpenEnded ? null
        : range.IsSingleKey ? [.. range.Start.Span, 0]
        : range.End.ToArray();

    private static bool IsBelow(byte[] start, byte[]? end) => end is null || start.AsSpan().SequenceCompareTo(end) < 0;

    private static bool IsBehind(byte[] start, byte[]? end) => end is not null && start.AsSpan().SequenceCompareTo(end) > 0;

    private static byte[] Later(byte[] left, byte[] right) => left.AsSpan().SequenceCompareTo(right) >= 0 ? left : right;
}
