namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>The generator's knowledge of the store, taken from the answers, for requests with meaningful revisions.</summary>
internal sealed class StoreState
{
    /// <summary>The current revision.</summary>
    public long Revision { get; set; } = 1;

    /// <summary>The last compaction that succeeded; -1 before the first.</summary>
    public long Compacted { get; set; } = -1;
}
