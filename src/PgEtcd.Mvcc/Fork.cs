using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;

namespace PgEtcd.Mvcc;

/// <summary>
/// A speculative edit of a <see cref="KeySpace"/>: evaluates writes one after another, each of which sees the earlier ones. The fork is
/// dropped if its append loses, and frozen if it wins. Not thread-safe.
/// </summary>
/// <param name="origin">The version that it starts from.</param>
/// <param name="expectedChanges">An estimate of the number of changes.</param>
public sealed class Fork(KeySpace origin, int expectedChanges)
{
    private readonly KeyTree.Editor _keys = origin.Keys.Edit();
    private readonly LeaseIndex.Editor _leases = origin.Leases.Edit();
    private readonly List<KvEvent> _events = new(expectedChanges);

    // The index of the current revision's first event, and whether one of its events is a delete.
    private int _revisionStart;
    private bool _revisionDeletes;

    /// <summary>The main revision of the last change.</summary>
    public long Revision { get; private set; } = origin.Revision;

    /// <summary>Every change since the fork, in order.</summary>
    public IReadOnlyList<KvEvent> Events => _events;

    internal long CompactRevision => origin.CompactRevision;

    /// <summary>Most bytes of an answer; tests set it lower.</summary>
    internal long MostAnswerBytes { get; set; } = AnswerTooLargeException.Limit;

    internal KeyView Keys => _keys.View;

    /// <summary>The number of changes at the current revision.</summary>
    internal int Changes => _events.Count - _revisionStart;

    /// <summary>
    /// Evaluates a put, delete, transaction or lease revocation at <see cref="Revision"/> + 1; a request that changes nothing does not
    /// use up the revision. An error or exception changes nothing. The request has passed <see cref="RequestCheck"/>.
    /// </summary>
    /// <param name="operation">The request.</param>
    /// <param name="missingLeases">Leases known not to exist: a put that names one is refused.</param>
    /// <param name="history">Answers reads at revisions before the fork.</param>
    /// <param name="result">The answer; null on an error.</param>
    /// <exception cref="AnswerTooLargeException">The answer would be larger than a message can be.</exception>
    public KvError Evaluate(Operation operation, IReadOnlySet<long> missingLeases, IHistory history, out OperationResult? result)
    {
        Begin();
        KvError error;
        try
        {
            error = new Evaluation(this, missingLeases, history).Run(operation, out result);
        }
        catch
        {
            Undo();
            throw;
        }

        if (error != KvError.None)
        {
            Undo();
            result = null;
        }
        else if (Changes > 0)
        {
            Revision++;
        }

        return error;
    }

    /// <summary>Applies one row of the log that another frontend wrote.</summary>
    /// <exception cref="ArgumentException">The row is not later than all earlier ones.</exception>
    public void Apply(
        long revision, int sub, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool tombstone, long createRevision, long version,
        long lease)
    {
        bool continues = revision == Revision && _events.Count > 0 && sub > _events[^1].Sub;
        if (revision <= Revision && !continues)
        {
            throw new ArgumentException($"Row {revision}/{sub} is not behind revision {Revision}.", nameof(revision));
        }

        if (!continues)
        {
            Begin();
        }

        Revision = revision;
        if (tombstone)
        {
            Delete(key, revision, sub);
        }
        else
        {
            Put(new KeyRecord(key, value, createRevision, revision, sub, version, lease));
        }
    }

    /// <summary>The state with all changes so far. The fork may continue; the frozen state does not change.</summary>
    public KeySpace Freeze() => new(Revision, origin.CompactRevision, _keys.Freeze(), _leases.Freeze());

    /// <summary>The keys currently attached to a lease, in key order.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> AttachedTo(long lease) => KeysOfLease(lease).Select(record => record.KeyMemory);

    /// <summary>Whether a key in the range was put since the fork or, if the range is not a single key, deleted.</summary>
    public bool HasChanged(in KeyRange range)
    {
        if (range.IsSingleKey)
        {
            return _keys.View.Find(range.Start.Span)?.ModRevision > origin.Revision;
        }

        foreach (KvEvent change in _events)
        {
            if (range.Contains(change.Key.Span))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Records attached to the lease, in key order.</summary>
    internal KeyRecord[] KeysOfLease(long lease) => _leases.KeysOf(lease);

    /// <summary>Puts at the current revision.</summary>
    internal void Put(KeyRecord record)
    {
        KeyRecord? previous = Replace(record);
        KeyRecord? before = BeforeRevision(record.Key, previous, record.ModRevision);
        _events.Add(new KvEvent(record.KeyMemory, record, before, record.ModRevision, record.Sub));
    }

    /// <summary>Deletes at the current revision.</summary>
    internal void Delete(ReadOnlySpan<byte> key, long revision, int sub)
    {
        KeyRecord? previous = Remove(key);
        KeyRecord? before = BeforeRevision(key, previous, revision);
        _events.Add(new KvEvent(previous?.KeyMemory ?? key.ToArray(), null, before, revision, sub));
        _revisionDeletes = true;
    }

    /// <summary>The keys at a revision; null if the revision is before the fork.</summary>
    internal KeyView? At(long revision)
    {
        if (revision < origin.Revision)
        {
            return null;
        }

        if (revision == origin.Revision)
        {
            return origin.Keys.View;
        }

        KeyTree.Editor past = _keys.Freeze().Edit();
        for (int i = _events.Count - 1; i >= 0 && _events[i].Revision > revision; i--)
        {
            if (_events[i].Previous is { } previous)
            {
                past.Set(previous);
            }
            else
            {
                past.Remove(_events[i].Key.Span);
            }
        }

        return past.View;
    }

    private void Begin()
    {
        _revisionStart = _events.Count;
        _revisionDeletes = false;
    }

    private void Undo()
    {
        for (int i = _revisionStart; i < _events.Count; i++)
        {
            if (_events[i].Previous is { } previous)
            {
                Replace(previous);
            }
            else
            {
                Remove(_events[i].Key.Span);
            }
        }

        _events.RemoveRange(_revisionStart, _events.Count - _revisionStart);
    }

    private KeyRecord? Replace(KeyRecord record)
    {
        KeyRecord? previous = _keys.Set(record);
        _leases.Move(previous, record);
        return previous;
    }

    private KeyRecord? Remove(ReadOnlySpan<byte> key)
    {
        KeyRecord? previous = _keys.Remove(key);
        _leases.Move(previous, null);
        return previous;
    }

    /// <summary>The key before the current revision, given the record that the change found.</summary>
    private KeyRecord? BeforeRevision(ReadOnlySpan<byte> key, KeyRecord? found, long revision)
    {
        // A key changes twice in one revision only through the gaps of the duplicate check, so the search is rare.
        bool changedAlready = found is null ? _revisionDeletes : found.ModRevision == revision;
        for (int i = _revisionStart; changedAlready && i < _events.Count; i++)
        {
            if (_events[i].Key.Span.SequenceEqual(key))
            {
                return _events[i].Previous;
            }
        }

        return found;
    }
}
