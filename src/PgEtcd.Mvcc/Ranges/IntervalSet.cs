namespace PgEtcd.Mvcc.Ranges;

/// <summary>A union of key intervals. Kept sorted and merged, so that a crafted request cannot make the check quadratic.</summary>
internal sealed class IntervalSet
{
    // Start inclusive, end exclusive; disjoint and ascending.
    private readonly List<(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte> End)> _intervals = [];

    /// <summary>Adds [start, rangeEnd), or one key if there is no range_end. An inverted interval is empty, and so is one whose end is one
    /// zero byte.</summary>
    public void Add(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> rangeEnd)
    {
        if (rangeEnd.IsEmpty)
        {
            // The next possible key is the key followed by a zero byte.
            byte[] next = new byte[start.Length + 1];
            start.CopyTo(next);
            rangeEnd = next;
        }

        if (start.Span.SequenceCompareTo(rangeEnd.Span) >= 0)
        {
            return;
        }

        int first = FirstEndingAtOrAfter(start.Span);
        int behind = first;
        for (; behind < _intervals.Count && _intervals[behind].Start.Span.SequenceCompareTo(rangeEnd.Span) <= 0; behind++)
        {
            if (_intervals[behind].Start.Span.SequenceCompareTo(start.Span) < 0)
            {
                start = _intervals[behind].Start;
            }

            if (_intervals[behind].End.Span.SequenceCompareTo(rangeEnd.Span) > 0)
            {
                rangeEnd = _intervals[behind].End;
            }
        }

        if (behind == first)
        {
            _intervals.Insert(first, (start, rangeEnd));
            return;
        }

        _intervals[first] = (start, rangeEnd);
        _intervals.RemoveRange(first + 1, behind - first - 1);
    }

    public void Add(IntervalSet other)
    {
        foreach ((ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end) in other._intervals)
        {
            Add(start, end);
        }
    }

    public bool Contains(ReadOnlySpan<byte> key)
    {
        int index = FirstEndingAtOrAfter(key);
        // An interval that ends at the key does not hold it, but the next one might.
        for (; index < _intervals.Count && _intervals[index].Start.Span.SequenceCompareTo(key) <= 0; index++)
        {
            if (_intervals[index].End.Span.SequenceCompareTo(key) > 0)
            {
                return true;
            }
        }

        return false;
    }

    private int FirstEndingAtOrAfter(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _intervals.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_intervals[middle].End.Span.SequenceCompareTo(key) < 0)
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
}
