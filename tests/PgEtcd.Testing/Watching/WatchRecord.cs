using System.Globalization;
using PgEtcd.Protocol.Etcdserverpb;
using Mvccpb = PgEtcd.Protocol.Mvccpb;

namespace PgEtcd.Testing.Watching;

/// <summary>All events of one watch, over all the streams that its client needed. Refuses violations of semantics.md §7: an event below
/// the start, a revision seen before or split over responses, and an event that a progress response had ruled
/// out.</summary>
public sealed class WatchRecord(long startRevision)
{
    private readonly Lock _gate = new();
    private readonly List<WatchedEvent> _events = [];
    private long _last = startRevision - 1;
    private long _promised;
    private bool _isFragment;

    /// <summary>The start revision after a lost stream.</summary>
    public long Next
    {
        get
        {
            lock (_gate)
            {
                return Math.Max(_last, _promised) + 1;
            }
        }
    }

    /// <summary>All events up to here have been received.</summary>
    public long Promised
    {
        get
        {
            lock (_gate)
            {
                return _promised;
            }
        }
    }

    /// <summary>The number of events.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _events.Count;
            }
        }
    }

    /// <summary>A copy of the events.</summary>
    public List<WatchedEvent> Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    /// <summary>Notes the loss of a stream: a response that came in pieces is sent again from its beginning.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            if (_isFragment)
            {
                _events.RemoveAll(change => change.Revision == _last);
                _last--;
                _isFragment = false;
            }
        }
    }

    /// <summary>Adds a response of this watch, or one with watch id -1 that applies to all watches of its stream.</summary>
    /// <exception cref="InvalidDataException">The response violates a rule.</exception>
    public void Add(WatchResponse response)
    {
        lock (_gate)
        {
            if (response.Created || response.Canceled)
            {
                return;
            }

            if (response.Events.Count == 0)
            {
                Check(response.Header.Revision >= _last, response, "progress goes back");
                _promised = Math.Max(_promised, response.Header.Revision);
                return;
            }

            long first = response.Events[0].Kv.ModRevision;
            Check(first > _last || (_isFragment && first == _last), response, "a revision comes again");
            Check(response.Header.Revision >= response.Events[^1].Kv.ModRevision, response, "the header is older than the event");
            foreach (Mvccpb.Event change in response.Events)
            {
                WatchedEvent seen = WatchedEvent.From(change);
                Check(seen.Revision >= _last, response, "revisions go back");
                Check(seen.Revision > _promised, response, "progress overtook an event");
                _last = seen.Revision;
                _events.Add(seen);
            }

            _isFragment = response.Fragment;
        }
    }

    private void Check(bool isRight, WatchResponse response, string what)
    {
        if (!isRight)
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"{what}: last {_last}, promised {_promised}, response header {response.Header.Revision} "
                + $"with {response.Events.Count} events from {response.Events.FirstOrDefault()?.Kv.ModRevision}, "
                + $"fragment {response.Fragment}"));
        }
    }
}
