using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Reading;

/// <summary>The latest events of the log, batch by batch as the replica took them in. Watchers are served from them. Their number is
/// bounded; a watcher that is further behind reads the log itself (<c>EventReader</c>).</summary>
/// <param name="revision">The revision at which the replica begins; all later events will be here.</param>
public sealed class RecentEvents(long revision)
{
    private const int MaxEvents = 8192;

    /// <summary>Bytes of records, most of which are alive in the state anyway.</summary>
    private const long MaxBytes = 16 * 1024 * 1024;

    /// <summary>Bytes that a change takes besides its key and value, by etcd's estimate.</summary>
    internal const long Overhead = 256;

    /// <summary>More bytes than any store has: the store must be measured anew.</summary>
    private const long Unknown = 1L << 50;

    /// <summary>Last in the lock order (RunningFrontend): no other is taken under it.</summary>
    private readonly Lock _gate = new();

    // A queue that can be searched from its end: nearly every caller wants only the last batch.
    private readonly List<EventBatch> _batches = [];
    private int _first;
    private long _floor = revision;
    private int _events;
    private long _bytes;
    private long _taken;

    /// <summary>The last revision taken in.</summary>
    public long Head { get; private set; } = revision;

    /// <summary>Estimated bytes of all changes that were ever taken in, rather too many. The number only grows.</summary>
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

    /// <summary>Forgets all events, because the log continues from another revision.</summary>
    /// <param name="revision">That revision.</param>
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
    /// <returns>Batches that together hold them; the first may contain earlier ones, too. Null if the events are no longer here.</returns>
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
