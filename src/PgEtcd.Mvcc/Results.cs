using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc;

/// <summary>The answer to an operation.</summary>
/// <param name="revision">See <see cref="Revision"/>.</param>
public abstract class OperationResult(long revision)
{
    /// <summary>The revision of the header of this response; 0 for a nested transaction, whose header is empty.</summary>
    public long Revision { get; } = revision;

    /// <summary>Most bytes of the result in an answer; for a transaction, without its nested results.</summary>
    public virtual long AnswerBytes => Overhead;

    /// <summary>An upper bound of a result's bytes without its records.</summary>
    private protected const int Overhead = 64;

    /// <summary>Most bytes before a record in an answer: a tag and a length.</summary>
    private protected const int RecordOverhead = 6;
}

public sealed class RangeResult(long revision, KeyRecord[] records, long count, bool more, bool keysOnly)
    : OperationResult(revision)
{
    /// <summary>In the order of the answer.</summary>
    public KeyRecord[] Records { get; } = records;

    /// <summary>The number of keys in the range, without limit and filters.</summary>
    public long Count { get; } = count;

    /// <summary>Whether the limit cut off records.</summary>
    public bool More { get; } = more;

    /// <summary>Whether the records are sent without their values.</summary>
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

    /// <summary>The same records with the count of a larger range.</summary>
    public RangeResult WithCount(long count) => new(Revision, Records, count, More, KeysOnly);
}

public sealed class PutResult(long revision, KeyRecord? previous) : OperationResult(revision)
{
    /// <summary>The replaced record, if prev_kv asked for it.</summary>
    public KeyRecord? Previous { get; } = previous;

    /// <inheritdoc/>
    public override long AnswerBytes => Overhead + RecordOverhead + (Previous?.Encoded.Length ?? 0);
}

public sealed class DeleteRangeResult(long revision, long deleted, KeyRecord[] previous) : OperationResult(revision)
{
    public long Deleted { get; } = deleted;

    /// <summary>The deleted records, in key order, if prev_kv asked for them; otherwise empty.</summary>
    public KeyRecord[] Previous { get; } = previous;

    /// <inheritdoc/>
    public override long AnswerBytes => Overhead + Previous.Sum(static record => RecordOverhead + (long)record.Encoded.Length);
}

public sealed class TxnResult(long revision, bool succeeded, OperationResult[] results) : OperationResult(revision)
{
    /// <summary>Whether all compares held.</summary>
    public bool Succeeded { get; } = succeeded;

    /// <summary>The results of the operations of the branch that ran.</summary>
    public OperationResult[] Results { get; } = results;
}
