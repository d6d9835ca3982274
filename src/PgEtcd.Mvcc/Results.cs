using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc;

/// <summary>The answer to an operation.</summary>
/// <param name="Revision">The revision of the header of this response; 0 for a nested transaction, whose header is empty.</param>
public abstract record OperationResult(long Revision)
{
    /// <summary>Most bytes of the result in an answer; for a transaction, without its nested results.</summary>
    public virtual long AnswerBytes => Overhead;

    /// <summary>An upper bound of a result's bytes without its records.</summary>
    private protected const int Overhead = 64;

    /// <summary>Most bytes before a record in an answer: a tag and a length.</summary>
    private protected const int RecordOverhead = 6;
}

/// <summary>The answer to a Range.</summary>
/// <param name="Revision">See <see cref="OperationResult"/>.</param>
/// <param name="Records">In the order of the answer.</param>
/// <param name="Count">The number of keys in the range, without limit and filters.</param>
/// <param name="More">Whether the limit cut off records.</param>
/// <param name="KeysOnly">Whether the records are sent without their values.</param>
public sealed record RangeResult(long Revision, KeyRecord[] Records, long Count, bool More, bool KeysOnly) : OperationResult(Revision)
{
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
}

/// <summary>The answer to a Put.</summary>
/// <param name="Revision">See <see cref="OperationResult"/>.</param>
/// <param name="Previous">The replaced record, if prev_kv asked for it.</param>
public sealed record PutResult(long Revision, KeyRecord? Previous) : OperationResult(Revision)
{
    /// <inheritdoc/>
    public override long AnswerBytes => Overhead + RecordOverhead + (Previous?.Encoded.Length ?? 0);
}

/// <summary>The answer to a DeleteRange, or to the revocation of a lease.</summary>
/// <param name="Revision">See <see cref="OperationResult"/>.</param>
/// <param name="Deleted">The number of deleted keys.</param>
/// <param name="Previous">The deleted records, in key order, if prev_kv asked for them; otherwise empty.</param>
public sealed record DeleteRangeResult(long Revision, long Deleted, KeyRecord[] Previous) : OperationResult(Revision)
{
    /// <inheritdoc/>
    public override long AnswerBytes => Overhead + Previous.Sum(static record => RecordOverhead + (long)record.Encoded.Length);
}

/// <summary>The answer to a Txn.</summary>
/// <param name="Revision">See <see cref="OperationResult"/>.</param>
/// <param name="Succeeded">Whether all compares held.</param>
/// <param name="Results">The results of the operations of the branch that ran.</param>
public sealed record TxnResult(long Revision, bool Succeeded, OperationResult[] Results) : OperationResult(Revision);
