using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Watching;

/// <summary>What a client wants to watch (semantics.md §7).</summary>
/// <param name="Range">The keys.</param>
/// <param name="StartRevision">The first revision of interest; 0 for the next one.</param>
/// <param name="NoPut">Leave puts out.</param>
/// <param name="NoDelete">Leave deletes out.</param>
/// <param name="PreviousValue">Give the key as it was before.</param>
/// <param name="ProgressNotify">Tell from time to time how far the watch is.</param>
/// <param name="Fragment">Big responses may be cut.</param>
public sealed record WatchTarget(
    KeyRange Range, long StartRevision, bool NoPut, bool NoDelete, bool PreviousValue, bool ProgressNotify, bool Fragment);

/// <summary>Where a watch stands.</summary>
internal enum WatcherState
{
    /// <summary>It gets events as they come.</summary>
    Synced,

    /// <summary>It is behind, and is being brought up.</summary>
    Behind,

    /// <summary>What it wanted was compacted. Its id stays taken until the client cancels it.</summary>
    Compacted,

    /// <summary>It is gone.</summary>
    Cancelled,
}

/// <summary>One watch of one stream. The hub's gate guards what changes.</summary>
internal sealed class Watcher(WatchStream stream, long id, WatchTarget target)
{
    private List<KvEvent>? _gathered;

    public WatchStream Stream => stream;

    public long Id => id;

    public WatchTarget Target => target;

    public WatcherState State { get; set; }

    /// <summary>The next revision it wants: all its events before are delivered, or on their way to it.</summary>
    public long Next { get; set; }

    /// <summary>Whether it got anything since the last tick of the progress timer.</summary>
    public bool HadEvents { get; set; }

    /// <summary>Whether it wants an event that is in its range.</summary>
    public bool Wants(in KvEvent change) =>
        change.Revision >= Next && !(change.IsDelete ? target.NoDelete : target.NoPut);

    /// <summary>Gathers the events of the revision that is being handed out.</summary>
    /// <returns>True for the first one.</returns>
    public bool Gather(in KvEvent change)
    {
        bool isFirst = _gathered is null;
        (_gathered ??= []).Add(change);
        return isFirst;
    }

    /// <summary>What was gathered.</summary>
    public IReadOnlyList<KvEvent> TakeGathered()
    {
        IReadOnlyList<KvEvent> events = _gathered!;
        _gathered = null;
        return events;
    }
}
