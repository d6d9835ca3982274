using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Reading;

/// <summary>The latest events of the log as the replica took them in, batch by batch: what watchers are served from. Its
/// size is bounded; a watcher behind it reads the log itself (<c>EventReader</c>).</summary>
public sealed class RecentEvents
{
    private const int MaxEvents = 8192;

    /// <summary>Of records, which most of the time are alive in the state anyway.</summary>
    private const long MaxBytes = 16 * 1024 * 1024;

    /// <summary>What a change takes beside its key and value, as etcd reckons, bytes.</summary>
    internal const long Overhead = 256;

    /// <summary>More than any store has: it must be measured anew.</summary>
    private const long Unknown = 1L << 50;

    /// <summary>Last in the lock order (RunningFrontend): no other is taken under it.</summary>
    private readonly Lock _gate = new();

    // A queue whose youngest entries can be reached from behind: nearly everyone wants only the last one.
    private readonly List<EventBatch> _batches = [];
    private int _first;
    private long _floor;
    private int _events;
    private long _bytes;
    private long _taken;

    /// <param name="revision">Where the replica begins: what is after it will be here.</param>
    public RecentEvents(long revision)
    {
        _floor = revision;
        Head = revision;
    }

    /// <summary>The last revision taken in.</summary>
    public long Head { get; private set; }

    /// <summary>About how many bytes all changes take that were ever taken in; rather too many. It only grows.</summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>Takes in the next batch.</summary>
    /// <param name="events">Whole revisions, in order, beginning after <see cref="Head"/>.</param>
    public void Add(IReadOnlyList<KvEvent> events)
    {
        EventBatch batch = new(
            events[^1].Revision, events, events.Sum(static change => (long)change.Key.Length + (change.Record?.Encoded.Length ?? 0)));
        lock (_gate)
        {
            Head = batch.Last;
            _batches.Add(batch);
            _events += events.Count;
            _bytes += batch.Bytes;
            _taken += batch.Bytes + (Overhead * events.Count);
            while (_batches.Count - _first > 1 && (_events > MaxEvents || _bytes > MaxBytes))
            {
                DropOldest();
            }
        }
    }

    /// <summary>Forgets all; the log goes on from another place.</summary>
    /// <param name="revision">Where.</param>
    public void Restart(long revision)
    {
        lock (_gate)
        {
            _batches.Clear();
            _first = 0;
            _events = 0;
            _bytes = 0;
            _taken += Unknown;
            _floor = Head = revision;
        }
    }

    /// <summary>The events after a revision.</summary>
    /// <param name="after">The revision.</param>
    /// <param name="head">The last revision that they reach.</param>
    /// <returns>Batches that together hold them, the first perhaps with some before; null when they are no longer here.</returns>
    public List<EventBatch>? After(long after, out long head)
    {
        lock (_gate)
        {
            head = Head;
            if (after < _floor)
            {
                return null;
            }

            int next = _batches.Count;
            while (next > _first && _batches[next - 1].Last > after)
            {
                next--;
            }

            return _batches[next..];
        }
    }

    private void DropOldest()
    {
        EventBatch oldest = _batches[_first];
        _batches[_first++] = null!;
        _floor = oldest.Last;
        _events -= oldest.Events.Count;
        _bytes -= oldest.Bytes;
        if (_first > _batches.Count / 2)
        {
            _batches.RemoveRange(0, _first);
            _first = 0;
        }
    }
}

/// <summary>Events that were committed together.</summary>
/// <param name="Last">The revision of the last one.</param>
/// <param name="Events">In order.</param>
/// <param name="Bytes">Their size.</param>
public sealed record EventBatch(long Last, IReadOnlyList<KvEvent> Events, long Bytes);
