namespace PgEtcd.Mvcc.Keys;

/// <summary>
/// The keys of a (key, range_end) pair, by etcd's conventions: without range_end it is the single key, with a range_end of one zero byte
/// it is every key from <c>key</c> on, and otherwise it is [key, range_end), which is empty if range_end is not above key.
/// </summary>
public readonly struct KeyRange(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd)
{
    /// <summary>First key of the range.</summary>
    public ReadOnlyMemory<byte> Start { get; } = key;

    /// <summary>range_end as given: the first key after the range, unless the range is a single key or open-ended.</summary>
    public ReadOnlyMemory<byte> End { get; } = rangeEnd;

    public bool IsSingleKey { get; } = rangeEnd.IsEmpty;

    public bool IsOpenEnded { get; } = rangeEnd.Span is [0];

    /// <summary>Whether no key can be in the range: range_end is not above key.</summary>
    public bool IsEmpty { get; } = rangeEnd.Span is not ([] or [0]) && rangeEnd.Span.SequenceCompareTo(key.Span) <= 0;

    public bool Contains(ReadOnlySpan<byte> key)
    {
        int fromStart = key.SequenceCompareTo(Start.Span);
        return IsSingleKey ? fromStart == 0 : fromStart >= 0 && (IsOpenEnded || key.SequenceCompareTo(End.Span) < 0);
    }
}
