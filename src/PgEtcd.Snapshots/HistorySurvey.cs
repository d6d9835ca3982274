using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc;
using PgEtcd.Snapshots.Bbolt;

namespace PgEtcd.Snapshots;

/// <summary>The result of one pass over a file's history: whether a finished compaction would have left an entry, and whether HashKV
/// counts it. Holds the keys, unless the store was never compacted.</summary>
public sealed class HistorySurvey
{
    private readonly Dictionary<ReadOnlyMemory<byte>, KeyState> _keys = new(BytesComparer.Instance);
    private readonly long _compactRevision;

    /// <summary>Makes the pass.</summary>
    /// <param name="file">The file.</param>
    /// <param name="progress">Called now and then with the number of entries so far.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SnapshotException">The file is damaged.</exception>
    public HistorySurvey(SnapshotFile file, Action<long> progress, CancellationToken cancellationToken)
    {
        _compactRevision = file.CompactRevision;
        Revision = Math.Max(1, file.CompactRevision);
        foreach ((SnapshotChange change, _) in file.ReadHistory())
        {
            if (Entries++ % 4096 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress(Entries);
            }

            Revision = Math.Max(Revision, change.Revision);
            if (_compactRevision >= 0 && !change.Key.IsEmpty)
            {
                Note(change);
            }
        }

        AnyKept = _compactRevision < 0 || _keys.Values.Any(state => state.IsLive);
    }

    /// <summary>The store's revision.</summary>
    public long Revision { get; }

    /// <summary>The number of entries in the history.</summary>
    public long Entries { get; }

    /// <summary>Whether any key is live (see <see cref="HashKv"/>).</summary>
    public bool AnyKept { get; }

    /// <summary>Whether etcd would still have the entry after its compaction has ended (snapshot-format.md §11).</summary>
    public bool IsPresent(in SnapshotChange change) => !change.Key.IsEmpty
        && CompactedHistory.Leaves(change.Revision, change.IsTombstone, IsNewestCompacted(change), _compactRevision);

    /// <summary>Whether the entry is the final value of its key.</summary>
    public bool IsKept(in SnapshotChange change) => change.Revision > _compactRevision
        || (!change.IsTombstone && _keys[change.Key] is { IsSuperseded: false } state && state.IsNewestCompacted(change));

    private bool IsNewestCompacted(in SnapshotChange change) =>
        change.Revision <= _compactRevision && _keys[change.Key].IsNewestCompacted(change);

    private void Note(in SnapshotChange change)
    {
        KeyState state = _keys.GetValueOrDefault(change.Key);
        state = change.Revision <= _compactRevision
            ? new KeyState(change.Revision, change.Sub, !change.IsTombstone, IsSuperseded: false)
            : state with { IsLive = !change.IsTombstone, IsSuperseded = true };
        // By span, so that a new key is copied: the slice would keep its page alive.
        _keys.GetAlternateLookup<ReadOnlySpan<byte>>()[change.Key.Span] = state;
    }

    /// <param name="Revision">The revision of the newest entry at or below the compaction mark.</param>
    /// <param name="Sub">Its sub revision.</param>
    /// <param name="IsLive">Whether the newest entry of all is a put.</param>
    /// <param name="IsSuperseded">Whether there is an entry above the mark.</param>
    private readonly record struct KeyState(long Revision, int Sub, bool IsLive, bool IsSuperseded)
    {
        public bool IsNewestCompacted(in SnapshotChange change) => change.Revision == Revision && change.Sub == Sub;
    }
}
