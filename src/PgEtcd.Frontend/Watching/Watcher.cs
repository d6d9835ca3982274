using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Watching;

/// <summary>What a client wants to watch (semantics.md §7).</summary>
/// <param name="Range">The keys.</param>
/// <param name="StartRevision">The first revision of interest; 0 for the next one.</param>
/// <param name="NoPut">Leaves out puts.</param>
/// <param name="NoDelete">Leaves out deletes.</param>
/// <param name="PreviousValue">Adds the key as it was before.</param>
/// <param name="ProgressNotify">Sends progress notifications.</param>
/// <param name="Fragment">Allows large responses to be sent in pieces.</param>
public sealed record WatchTarget(
    KeyRange Range, long StartRevision, bool NoPut, bool NoDelete, bool PreviousValue, bool ProgressNotify, bool Fragment);

/// <summary>The state of a watch.</summary>
internal enum WatcherState
{
    /// <summary>It gets events as they come.</summary>
    Synced,

    /// <summary>It is behind, and is being brought up to date.</summary>
    Behind,

    /// <summary>The next revision it wanted was compacted. Its id stays taken until the client cancels it.</summary>
    Compacted,

    /// <summary>The client has cancelled it, or its stream has ended.</summary>
    Cancelled,
}

/// <summary>One watch of one stream. The hub's gate guards its mutable state.</summary>
internal sealed class Watcher(WatchStream stream, long id, WatchTarget target)
{
    private List<KvEvent>? _gathered;

    public WatchStream Stream => stream;

    public long Id => id;

    public WatchTarget Target => target;

    public WatcherState State { get; set; }

    /// <summary>The next revision it wants: all its earlier events are delivered or on their way.</summary>
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

    /// <summary>Returns the gathered events, and forgets them.</summary>
    public IReadOnlyList<KvEvent> TakeGathered()
    {
        IReadOnlyList<KvEvent> events = _gathered!;
        _gathered = null;
        return events;
    }
}
