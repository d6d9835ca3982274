namespace PgEtcd.Mvcc;

/// <summary>Where a Range at an older revision comes from.</summary>
public interface IHistory
{
    /// <summary>
    /// Answers at <c>operation.Revision</c>, which is neither compacted nor in the future. Null when that revision is not at
    /// hand: the evaluation ends with <see cref="KvError.HistoryNeeded"/> and changes nothing.
    /// </summary>
    RangeResult? Range(RangeOperation operation, long headerRevision);
}
