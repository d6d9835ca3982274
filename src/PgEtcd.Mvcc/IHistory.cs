namespace PgEtcd.Mvcc;

/// <summary>The source of a Range at an older revision.</summary>
public interface IHistory
{
    /// <summary>
    /// Answers at <c>operation.Revision</c>, which is neither compacted nor in the future. Null if that revision is not
    /// available: the evaluation ends with <see cref="KvError.HistoryNeeded"/> and changes nothing.
    /// </summary>
    RangeResult? Range(RangeOperation operation, long headerRevision);
}
