using System.Threading.Channels;
using PgEtcd.Mvcc;
using PgEtcd.Protocol;
using PgEtcd.Server.Wire;

namespace PgEtcd.Server.Watching;

/// <summary>The watches of one client's stream and the responses on their way to it.</summary>
internal sealed class WatchStream
{
    /// <summary>etcd's words (errors.md §3).</summary>
    private const string EmptyRange = "mvcc: watcher range is empty";
    private const string DuplicateId = "mvcc: duplicate watch ID provided on the WatchStream";

    private readonly WatchHub _hub;
    private readonly ResponseHeaders _headers;
    private readonly Dictionary<long, Watcher> _watchers = [];
    private readonly Channel<Watcher> _behind = Channel.CreateUnbounded<Watcher>(new UnboundedChannelOptions { SingleReader = true });
    private long _nextId;
    private bool _isBringingUp;
    private ITimer? _progress;

    public WatchStream(WatchHub hub, ResponseHeaders headers)
    {
        _hub = hub;
        _headers = headers;
    }

    /// <summary>Responses on their way.</summary>
    public WatchQueue Queue { get; } = new();

    /// <summary>The watches. The hub's gate guards them.</summary>
    public IReadOnlyCollection<Watcher> Watchers => _watchers.Values;

    /// <summary>Begins a watch.</summary>
    /// <param name="id">The id that the client chose, or 0.</param>
    /// <param name="target">What it wants.</param>
    public void Create(long id, WatchTarget target)
    {
        lock (_hub.Gate)
        {
            _hub.Dispatch();
            string? refusal = target.Range.IsEmpty ? EmptyRange
                : target.StartRevision < 0 ? EtcdErrors.Compacted.Message
                : id != 0 && _watchers.ContainsKey(id) ? DuplicateId
                : null;
            if (refusal is not null)
            {
                Queue.Add(Reply(-1) with { Created = true, Canceled = true, CancelReason = refusal });
                return;
            }

            Watcher watcher = new(this, id != 0 ? id : NewId(), target)
            {
                Next = target.StartRevision == 0 ? _hub.Position + 1 : target.StartRevision,
            };
            _watchers.Add(watcher.Id, watcher);
            Queue.Add(Reply(watcher.Id) with { Created = true });
            if (watcher.Next > _hub.Position)
            {
                _hub.Join(watcher);
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
        }
    }

    /// <summary>Says that a watch is not begun.</summary>
    public void Refuse(string reason)
    {
        lock (_hub.Gate)
        {
            _hub.Dispatch();
            Queue.Add(Reply(-1) with { Created = true, Canceled = true, CancelReason = reason });
        }
    }

    /// <summary>Ends a watch; an unknown one goes unanswered.</summary>
    public void Cancel(long id)
    {
        lock (_hub.Gate)
        {
            _hub.Dispatch();
            if (_watchers.Remove(id, out Watcher? watcher))
            {
                _hub.Leave(watcher, WatcherState.Cancelled);
                Queue.Add(Reply(id) with { Canceled = true });
            }
        }
    }

    /// <summary>Tells how far all watches of the stream are, if they are equally far; otherwise says nothing.</summary>
    public void TellProgress()
    {
        lock (_hub.Gate)
        {
            _hub.Dispatch();
            if (_watchers.Count > 0 && _watchers.Values.All(IsCurrent))
            {
                Queue.Add(Reply(-1));
            }
        }
    }

    /// <summary>Adds events of a watch to the responses. The caller holds the hub's gate.</summary>
    /// <param name="watcher">The watch.</param>
    /// <param name="headerRevision">Of the response.</param>
    /// <param name="events">Whole revisions.</param>
    /// <returns>False when there is no room.</returns>
    public bool TrySend(Watcher watcher, long headerRevision, IReadOnlyList<KvEvent> events)
    {
        WatchReply reply = new(_headers, headerRevision, watcher.Id)
        {
            Events = events,
            PreviousValues = watcher.Target.PreviousValue,
            Bytes = Weight(events, watcher.Target.PreviousValue),
        };
        bool isSent = true;
        if (!watcher.Target.Fragment)
        {
            isSent = Queue.TryAdd(reply);
        }
        else
        {
            bool isFirst = true;
            foreach (WatchReply piece in reply.Cut(_hub.MaxResponseBytes))
            {
                if (!isFirst)
                {
                    Queue.Add(piece);
                }
                else if (!Queue.TryAdd(piece))
                {
                    return false;
                }

                isFirst = false;
            }
        }

        watcher.HadEvents |= isSent;
        _hub.EventsSent += isSent ? events.Count : 0;
        return isSent;
    }

    /// <summary>Counts the watches and what waits. The caller holds the hub's gate.</summary>
    /// <param name="counts">Of the other streams.</param>
    /// <param name="position">How far the hub is.</param>
    public WatchCounts AddTo(WatchCounts counts, long position)
    {
        foreach (Watcher watcher in _watchers.Values)
        {
            if (watcher.State == WatcherState.Behind)
            {
                counts = counts with { Behind = counts.Behind + 1, Lag = Math.Max(counts.Lag, position - watcher.Next + 1) };
            }
        }

        return counts with { Waiting = counts.Waiting + Queue.Count };
    }

    /// <summary>Ends a watch whose next revision was compacted. The caller holds the hub's gate.</summary>
    public void Compact(Watcher watcher, long compactRevision)
    {
        _hub.Leave(watcher, WatcherState.Compacted);
        Queue.Add(new WatchReply(_headers, 0, watcher.Id) { Canceled = true, CompactRevision = compactRevision });
    }

    /// <summary>Has a watch brought up. The caller holds the hub's gate.</summary>
    public void BringUp(Watcher watcher)
    {
        _behind.Writer.TryWrite(watcher);
        if (!_isBringingUp)
        {
            _isBringingUp = true;
            _ = Task.Run(() => _hub.CatchUp.RunAsync(this, _behind));
        }
    }

    /// <summary>Wakes everybody who waits for something here: it does not come any more.</summary>
    public void End()
    {
        _behind.Writer.TryComplete();
        _progress?.Dispose();
        Queue.Close();
    }

    private bool IsCurrent(Watcher watcher) => watcher.State == WatcherState.Synced && watcher.Target.StartRevision <= _hub.Position;

    private ITimer StartProgress()
    {
        // Up to a tenth later, so that the streams of many clients do not tick together.
        TimeSpan interval = _hub.ProgressInterval * (1 + (Random.Shared.NextDouble() / 10));
        return _hub.Clock.CreateTimer(_ => Tick(), null, interval, interval);
    }

    private void Tick()
    {
        lock (_hub.Gate)
        {
            _hub.Dispatch();
            foreach (Watcher watcher in _watchers.Values)
            {
                if (watcher.Target.ProgressNotify && !watcher.HadEvents && IsCurrent(watcher))
                {
                    Queue.TryAdd(Reply(watcher.Id));
                }

                watcher.HadEvents = false;
            }

            Queue.Wake();
        }
    }

    private long NewId()
    {
        while (_watchers.ContainsKey(_nextId))
        {
            _nextId++;
        }

        return _nextId++;
    }

    private WatchReply Reply(long id) => new(_headers, _hub.Position, id);

    private static long Weight(IReadOnlyList<KvEvent> events, bool withPrevious)
    {
        const int Overhead = 100;
        long weight = 0;
        foreach (KvEvent change in events)
        {
            weight += Overhead + (change.Record?.Encoded.Length ?? change.Key.Length) + (withPrevious ? change.Previous?.Encoded.Length ?? 0 : 0);
        }

        return weight;
    }
}
