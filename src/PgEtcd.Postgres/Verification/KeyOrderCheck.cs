namespace PgEtcd.Postgres.Verification;

/// <summary>Checks rows key by key: replays each key's history, and gathers the keys that remain. Holds one key only.</summary>
/// <param name="marks">The marks, which tell what compaction may have removed.</param>
/// <param name="leases">The leases that exist.</param>
/// <param name="findings">Collects the violations.</param>
internal sealed class KeyOrderCheck(StoreMarks marks, IReadOnlySet<long> leases, Findings findings)
{
    private byte[]? _key;
    private KeyChange? _last;
    private KeyChange? _lastInLog;

    /// <summary>The keys that exist at the end.</summary>
    public StateDigest Live { get; } = new();

    /// <summary>Takes the next row of log and archive, in order of key, revision and sub.</summary>
    public void Add(byte[] key, in KeyChange change)
    {
        if (_key is null || !key.AsSpan().SequenceEqual(_key))
        {
            End();
            _key = key;
        }

        if (_last is { } twin && (twin.Revision, twin.Sub) == (change.Revision, change.Sub))
        {
            // LogOrderCheck reports such a row; nothing can be learned from it here.
            _lastInLog = change.IsArchived ? _lastInLog : change;
            return;
        }

        CheckAlone(change);
        // Removal takes superseded rows, and tombstones together with the rows that they superseded. So if any earlier row of the key is
        // left, it is the one directly before this one. For archived rows this holds above the kept revision.
        if (!change.IsArchived && _lastInLog is { } before)
        {
            CheckAfter(before, change);
        }
        else if (!change.IsArchived && change.Revision > marks.CompactRevision && change.Version != 1)
        {
            CheckFirst(change);
        }
        else if (change.Revision > marks.KeptRevision && _last is { } older && (older.Revision > marks.KeptRevision || change.Version != 1))
        {
            CheckAfter(older, change);
        }
        else if (change.Revision > marks.KeptRevision && _last is null)
        {
            CheckFirst(change);
        }

        _last = change;
        _lastInLog = change.IsArchived ? _lastInLog : change;
    }

    /// <summary>Ends the rows of a key. Must be called after the last row.</summary>
    public void End()
    {
        if (_key is not null && _last is { IsTombstone: false, IsArchived: true } archived && archived.Revision > marks.KeptRevision)
        {
            findings.Add(Invariant.Compaction,
                $"{Name}: what it holds (revision {archived.Revision}, version {archived.Version}) is in the archive only.");
        }

        if (_key is not null && _lastInLog is { IsTombstone: false } live)
        {
            Live.Add(_key, live.CreateRevision, live.Revision, live.Version, live.Lease);
            if (live.Lease != 0 && !leases.Contains(live.Lease))
            {
                findings.Add(Invariant.Leases, $"{Name} (revision {live.Revision}) hangs on lease {live.Lease:x}, which does not exist.");
            }
        }

        _key = null;
        _last = null;
        _lastInLog = null;
    }

    private string Name => $"Key '{Printable.Text(_key)}'";

    private void CheckAlone(in KeyChange change)
    {
        if (_key!.Length == 0)
        {
            findings.Add(Invariant.Rows, $"Revision {change.Revision}/{change.Sub} has no key.");
        }

        bool isPossible = change.IsTombstone
            ? change is { CreateRevision: 0, Version: 0, Lease: 0 }
            : change.CreateRevision >= (marks.CompactRevision >= 1 ? 1 : 2) && change.CreateRevision <= change.Revision
                && change.Version >= 1 && change.Version <= change.Revision - change.CreateRevision + 1
                && change.Version == 1 == (change.CreateRevision == change.Revision);
        if (!isPossible)
        {
            findings.Add(Invariant.Rows,
                $"{Name} at revision {change.Revision}/{change.Sub}: {(change.IsTombstone ? "a tombstone" : "a value")} "
                + $"with create revision {change.CreateRevision}, version {change.Version} and lease {change.Lease:x} cannot be.");
        }
    }

    private void CheckFirst(in KeyChange change)
    {
        if (change.Version == 1)
        {
            return;
        }

        if (marks.CompactRevision >= 0)
        {
            findings.Add(Invariant.Compaction,
                $"{Name} is {(change.IsTombstone ? "deleted" : $"at version {change.Version}")} in revision {change.Revision}, "
                + $"but what it held at the compact revision {marks.CompactRevision} is gone.");
        }
        else if (change.IsTombstone)
        {
            findings.Add(Invariant.Tombstones, $"{Name} is deleted by revision {change.Revision}, where it was not there.");
        }
        else
        {
            findings.Add(Invariant.Versions, $"{Name} begins with version {change.Version} in revision {change.Revision}.");
        }
    }

    private void CheckAfter(in KeyChange before, in KeyChange change)
    {
        if (change.IsTombstone)
        {
            if (before.IsTombstone)
            {
                findings.Add(
                    Invariant.Tombstones, $"{Name} is deleted by revision {change.Revision}, but was deleted by {before.Revision} before.");
            }

            return;
        }

        (long create, long version) = before.IsTombstone ? (change.Revision, 1) : (before.CreateRevision, before.Version + 1);
        if (change.CreateRevision != create || change.Version != version)
        {
            findings.Add(Invariant.Versions,
                $"{Name} at revision {change.Revision} has create revision {change.CreateRevision} and version {change.Version}; "
                + $"after revision {before.Revision} they should be {create} and {version}.");
        }
    }
}

/// <summary>A row without its key and value.</summary>
internal readonly record struct KeyChange(
    long Revision, int Sub, bool IsTombstone, long CreateRevision, long Version, long Lease, bool IsArchived);
