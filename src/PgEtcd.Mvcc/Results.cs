using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc;

/// <summary>The answer to an operation.</summary>
/// <param name="revision">See <see cref="Revision"/>.</param>
public abstract class OperationResult(long revision)
{
    /// <summary>The revision of the header of this response; 0 for a nested transaction, whose header is empty.</summary>
    public long Revision { get; } = revision;

    /// <summary>Bytes that it takes in an answer, at most; for a transaction, without the results in it.</summary>
    public virtual long AnswerBytes => Overhead;

    /// <summary>More than what a result has beside its records.</summary>
    private protected const int Overhead = 64;

    /// <summary>What a record in an answer has before it, at most: a tag and a length.</summary>
    private protected const int RecordOverhead = 6;
}

public sealed class RangeResult(long revision, KeyRecord[] records, long count, bool more, bool keysOnly)
    : OperationResult(revision)
{
    /// <summary>In the order of the answer.</summary>
    public KeyRecord[] Records { get; } = records;

    /// <summary>Keys in the range, whatever limit and filters say.</summary>
    public long Count { get; } = count;

    /// <summary>The limit cut something off.</summary>
    public bool More { get; } = more;

    /// <summary>The records are to be sent without their values.</summary>
    public bool KeysOnly { get; } = keysOnly;

    /// <inheritdoc/>
    public override long AnswerBytes
    {
        get
        {
            long bytes = Overhead;
            foreach (KeyRecord record in Records)
            {
                bytes += RecordOverhead + (KeysOnly ? record.EncodedKeysOnlyLength : record.Encoded.Length);
            }

            return bytes;
        }
    }

    /// <summary>The same records under another header.</summary>
    public RangeResult WithRevision(long revision) => new(revision, Records, Count, More, KeysOnly);

    /// <summary>The same records of a range that holds more keys than were looked at.</summary>
    public RangeResult WithCount(long count) => new(Revision, Records, count, More, KeysOnly);
}

public sealed class PutResult(long revision, KeyRecord? previous) : OperationResult(revision)
{
    /// <summary>What the put replaced, if prev_kv asked for it.</summary>
    public KeyRecord? Previous { get; } = previous;

    /// <inheritdoc/>
    public override long AnswerBytes => Overhead + RecordOverhead + (Previous?.Encoded.Length ?? 0);
}

public sealed class DeleteRangeResult(long revision, long deleted, KeyRecord[] previous) : OperationResult(revision)
{
    public long Deleted { get; } = deleted;

    /// <summary>What was deleted, in key order, if prev_kv asked for it; else empty.</summary>
    public KeyRecord[] Previous { get; } = previous;

    /// <inheritdoc/>
    public override long AnswerBytes => Overhead + Previous.Sum(static record => RecordOverhead + (long)record.Encoded.Length);
}

public sealed class TxnResult(long revision, bool succeeded, OperationResult[] results) : OperationResult(revision)
{
    /// <summary>Whether all compares held.</summary>
    public bool Succeeded { get; } = succeeded;

    /// <summary>One for each operation of the branch that ran.</summary>
    public OperationResult[] Results { get; } = results;
}
