using System.Threading.Channels;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Watching;

/// <summary>The watches of one client's stream, and the responses on their way to the client.</summary>
/// <param name="hub">The source of events.</param>
/// <param name="queue">The responses.</param>
public sealed class WatchStream(WatchHub hub, WatchQueue queue)
{
    /// <summary>etcd's words (errors.md §3).</summary>
    private const string EmptyRange = "mvcc: watcher range is empty";
    private const string DuplicateId = "mvcc: duplicate watch ID provided on the WatchStream";

    private readonly Dictionary<long, Watcher> _watchers = [];
    private readonly Channel<Watcher> _behind = Channel.CreateUnbounded<Watcher>(new UnboundedChannelOptions { SingleReader = true });
    private long _nextId;
    private bool _isBringingUp;
    private ITimer? _progress;

    /// <summary>Responses on their way.</summary>
    public WatchQueue Queue { get; } = queue;

    /// <summary>The watches. The hub's gate guards them.</summary>
    internal IReadOnlyCollection<Watcher> Watchers => _watchers.Values;

    /// <summary>Begins a watch.</summary>
    /// <param name="id">The id that the client chose, or 0.</param>
    /// <param name="target">The keys and events that the client wants.</param>
    public void Create(long id, WatchTarget target) => hub.Change(() =>
    {
        string? refusal = target.StartRevision < 0 ? EtcdErrors.Compacted.Message
            : target.Range.IsEmpty ? EmptyRange
            : id != 0 && _watchers.ContainsKey(id) ? DuplicateId
            : null;
        if (refusal is not null)
        {
            AddRefusal(refusal);
            return;
        }

        Watcher watcher = new(this, id != 0 ? id : NewId(), target)
        {
            Next = target.StartRevision == 0 ? hub.Position + 1 : target.StartRevision,
        };
        _watchers.Add(watcher.Id, watcher);
        Queue.Add(Update(watcher.Id) with { Created = true });
        if (watcher.Next > hub.Position)
        {
            hub.Join(watcher);
        }
        else
        {
            watcher.State = WatcherState.Behind;
            BringUp(watcher);
        }

        if (target.ProgressNotify)
        {
            _progress ??= StartProgress();
        }
    });

    /// <summary>Answers that a watch was not created.</summary>
    public void Refuse(string reason) => hub.Change(() => AddRefusal(reason));

    /// <summary>Ends a watch; the request for an unknown one is not answered.</summary>
    public void Cancel(long id) => hub.Change(() =>
    {
        if (_watchers.Remove(id, out Watcher? watcher))
        {
            hub.Leave(watcher, WatcherState.Cancelled);
            Queue.Add(Update(id) with { Canceled = true });
        }
    });

    /// <summary>Sends the progress of the stream if all its watches are up to date; otherwise nothing.</summary>
    public void TellProgress() => hub.Change(() =>
    {
        if (_watchers.Count > 0 && _watchers.Values.All(IsCurrent))
        {
            Queue.Add(Update(-1));
        }
    });

    /// <summary>Adds events of a watch to the responses. The caller holds the hub's gate.</summary>
    /// <param name="watcher">The watch.</param>
    /// <param name="headerRevision">The revision in the response's header.</param>
    /// <param name="events">Whole revisions.</param>
    /// <returns>False when there is no room.</returns>
    internal bool TrySend(Watcher watcher, long headerRevision, IReadOnlyList<KvEvent> events)
    {
        bool isSent = Queue.TryAdd(new WatchUpdate(headerRevision, watcher.Id)
        {
            Events = events,
            PreviousValues = watcher.Target.PreviousValue,
            MayBeCut = watcher.Target.Fragment,
            Bytes = WatchUpdate.Weight(events, watcher.Target.PreviousValue),
        });
        watcher.HadEvents |= isSent;
        hub.EventsSent += isSent ? events.Count : 0;
        return isSent;
    }

    /// <summary>Ends a watch whose next revision was compacted. The caller holds the hub's gate.</summary>
    internal void Compact(Watcher watcher, long compactRevision)
    {
        hub.Leave(watcher, WatcherState.Compacted);
        Queue.Add(new WatchUpdate(0, watcher.Id) { Canceled = true, CompactRevision = compactRevision });
    }

    /// <summary>Has a watch brought up to date. The caller holds the hub's gate.</summary>
    internal void BringUp(Watcher watcher)
    {
        _behind.Writer.TryWrite(watcher);
        if (!_isBringingUp)
        {
            _isBringingUp = true;
            _ = Task.Run(() => hub.CatchUp.RunAsync(this, _behind));
        }
    }

    /// <summary>Releases all waiters: no more responses will come.</summary>
    internal void End()
    {
        _behind.Writer.TryComplete();
        _progress?.Dispose();
        Queue.Close();
    }

    private bool IsCurrent(Watcher watcher) => watcher.State == WatcherState.Synced && watcher.Target.StartRevision <= hub.Position;

    private ITimer StartProgress()
    {
        // Up to a tenth longer, so that the streams of many clients do not tick together.
        TimeSpan interval = hub.ProgressInterval * (1 + (Random.Shared.NextDouble() / 10));
        return hub.Clock.CreateTimer(_ => Tick(), null, interval, interval);
    }

    private void Tick() => hub.Guard(this, () =>
    {
        foreach (Watcher watcher in _watchers.Values)
        {
            if (watcher.Target.ProgressNotify && !watcher.HadEvents && IsCurrent(watcher))
            {
                Queue.TryAdd(Update(watcher.Id));
            }

            watcher.HadEvents = false;
        }

        Queue.Wake();
    });

    private long NewId()
    {
        while (_watchers.ContainsKey(_nextId))
        {
            _nextId++;
        }

        return _nextId++;
    }

    private void AddRefusal(string reason) =>
        Queue.Add(Update(-1) with { Created = true, Canceled = true, CancelReason = reason });

    private WatchUpdate Update(long id) => new(hub.Position, id);
}
