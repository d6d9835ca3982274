namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>What the generator knows of the store, from the answers, to ask for revisions that mean something.</summary>
internal sealed class StoreState
{
    /// <summary>The current revision.</summary>
    public long Revision { get; set; } = 1;

    /// <summary>The last compaction that succeeded; -1 before the first.</summary>
    public long Compacted { get; set; } = -1;
}
