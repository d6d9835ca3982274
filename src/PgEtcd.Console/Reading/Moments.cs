using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Frontend.Reading;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Reading;

/// <summary>Finds the moment that an address names.</summary>
internal sealed class Moments(KeyReader reader, PastBrowser past)
{
    /// <summary>How long the oldest revision is cached.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(2);

    private volatile Known _known = new(default, 0);

    /// <summary>Returns the moment and, if the address names a time, the revision that replaces the time in the address.</summary>
    public async Task<(Moment Moment, long? Pinned)> FindAsync(HttpContext context)
    {
        CancellationToken gone = context.RequestAborted;
        long newest = reader.Current.Revision;
        StoreMarks marks = new(newest, reader.Current.CompactRevision, await OldestAsync(gone));
        Moment present = new(marks, null, null);
        string text = context.Request.Query["at"].ToString();
        if (text.Length == 0 || text.Trim().Equals("now", StringComparison.OrdinalIgnoreCase))
        {
            return (present, null);
        }

        (long? revision, TimeSpan? ago, DateTime? time) = MomentText.Parse(text);
        try
        {
            return (revision, ago, time) switch
            {
                ({ } at, _, _) when at > newest => (present with
                {
                    Problem = $"Revision {Words.Number(at)} does not exist yet. The store is at revision {Words.Number(newest)}.",
                }, null),
                ({ } at, _, _) when at < marks.OldestRevision => (new Moment(marks, at, null)
                {
                    Problem = $"Revision {Words.Number(at)} is compacted and not in the archive. The oldest revision kept is "
                        + $"{Words.Number(marks.OldestRevision)}. "
                        + "With --history-retention, compaction moves the history to an archive.",
                }, null),
                ({ } at, _, _) => (new Moment(marks, at, await past.TimeOfAsync(at, gone)), null),
                (_, { } span, _) => (present, await past.RevisionAgoAsync(span, gone)),
                (_, _, { } instant) => (present, await past.RevisionAtAsync(instant, gone)),
                _ => (present with
                {
                    Problem = $"“{text}” is not a moment. Enter a revision (4711), a time span (10 min ago), "
                        + "or a time in UTC (2026-11-30 12:00).",
                }, null),
            };
        }
        catch (RefusedException refused)
        {
            return (present with { Problem = refused.Message }, null);
        }
    }

    private async Task<long> OldestAsync(CancellationToken gone)
    {
        Known known = _known;
        if (known.At == default || TimeProvider.System.GetElapsedTime(known.At) > Freshness)
        {
            _known = known = new Known(TimeProvider.System.GetTimestamp(), (await past.MarksAsync(gone)).OldestRevision);
        }

        return known.Oldest;
    }

    private sealed record Known(long At, long Oldest);
}
