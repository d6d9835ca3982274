namespace PgEtcd.Postgres.Verification;

/// <summary>Checks rows in the order of the log: numbering and times. Holds the last row only.</summary>
/// <param name="marks">The marks, which tell what compaction may have removed.</param>
/// <param name="findings">Collects the violations.</param>
internal sealed class LogOrderCheck(StoreMarks marks, Findings findings)
{
    /// <summary>The least step, up to the base revision, by which a store moves up on purpose: after a failover that lost commits
    /// (design §11, <c>failover_step</c> in functions/constants.sql), or when a restored snapshot was bumped.</summary>
    private const long Jump = 1_000_000;

    private long _revision = Math.Max(1, marks.KeptRevision);
    private int _sub = -1;
    private (long Revision, int Sub, bool IsArchived) _last;
    private DateTime _time = DateTime.MinValue;
    private ChangeOrigin _origin;
    private bool _sawCompactRevision;

    /// <summary>Takes the next row of log and archive, in order of revision and sub.</summary>
    public void Add(long revision, int sub, DateTime committedAt, bool isArchived, in ChangeOrigin origin)
    {
        if (revision == _last.Revision && sub != _last.Sub && (committedAt, origin) != (_time, _origin))
        {
            findings.Add(Invariant.Together, $"Revision {revision}/{sub} was not written together with {revision}/{_last.Sub}.");
        }

        _origin = origin;
        if (committedAt < _time)
        {
            findings.Add(
                Invariant.Times, $"Revision {revision}/{sub} was committed at {committedAt:O}, before the one before it ({_time:O}).");
        }

        _time = committedAt;
        bool isRepeated = (revision, sub) == (_last.Revision, _last.Sub);
        if (isRepeated)
        {
            findings.Add(Invariant.Archive, isArchived == _last.IsArchived
                ? $"Revision {revision}/{sub} is there twice."
                : $"Revision {revision}/{sub} is both in the log and in the archive.");
        }

        _last = (revision, sub, isArchived);
        if (isRepeated)
        {
            return;
        }

        if (isArchived && revision >= marks.CompactRevision)
        {
            findings.Add(
                Invariant.Archive, $"Revision {revision}/{sub} is in the archive, though the compact revision is {marks.CompactRevision}.");
            return; // the API does not show it, so for the following rows it counts as missing
        }

        _sawCompactRevision |= revision == marks.CompactRevision;
        // A store imported from kine may hold a key from revision 1, which is compacted.
        if (revision < (marks.CompactRevision >= 1 ? 1 : 2))
        {
            findings.Add(Invariant.Revisions, $"There is a revision {revision}; the first is 2.");
        }
        else if (revision > marks.KeptRevision || revision == marks.CompactRevision)
        {
            Number(revision, sub);
        }
    }

    /// <summary>Ends the rows.</summary>
    public void End()
    {
        // All rows at the mark stay, because a watch may start there. Rows up to the base revision were not written here.
        bool mustHold = marks.CompactRevision > marks.BaseRevision && marks.CompactRevision <= marks.Revision;
        if (mustHold && !_sawCompactRevision && marks.KeptRevision >= marks.CompactRevision)
        {
            findings.Add(Invariant.Compaction, $"There is no row of the compact revision {marks.CompactRevision} itself.");
        }

        if (_revision < marks.BaseRevision && marks.CompactRevision < marks.BaseRevision && marks.BaseRevision - _revision < Jump)
        {
            Missing(_revision + 1, marks.BaseRevision);
        }
    }

    private void Number(long revision, int sub)
    {
        bool isSame = revision == _revision && _sub >= 0;
        if (!isSame && revision > marks.KeptRevision && revision > _revision + 1
            && (revision - _revision - 1 < Jump || revision > marks.BaseRevision + 1))
        {
            Missing(_revision + 1, revision - 1);
        }

        int expected = isSame ? _sub + 1 : 0;
        if (sub != expected)
        {
            findings.Add(revision >= marks.CompactRevision ? Invariant.Subs : Invariant.Archive,
                $"Revision {revision} has a change {sub} where {expected} should be.");
        }

        _revision = revision;
        _sub = sub;
    }

    private void Missing(long from, long to)
    {
        string which = from == to ? $"Revision {from} is" : $"Revisions {from} to {to} are";
        if (to > marks.CompactRevision)
        {
            findings.Add(Invariant.Revisions, $"{which} missing.");
        }
        else
        {
            findings.Add(Invariant.Archive,
                $"{which} neither in the log nor in the archive, though the history above revision {marks.KeptRevision} "
                + "is said to be whole.");
        }
    }
}

/// <summary>The origin of a change in its row.</summary>
internal readonly record struct ChangeOrigin(string Frontend, string? Username, string? Client);
