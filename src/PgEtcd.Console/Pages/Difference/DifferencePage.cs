using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Difference;

/// <summary>The keys that differ between two moments.</summary>
internal sealed class DifferencePage(PastBrowser past, ChangeBrowser changes) : IPage
{
    private const int Most = 50;

    /// <summary>The time span compared by default.</summary>
    private static readonly TimeSpan Usual = TimeSpan.FromHours(1);

    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] prefix = visit.Bytes("prefix") ?? [];
        visit.Demand(Ranges.Prefix(prefix));
        (long? from, string? problem) = await RevisionAsync(visit, visit.Text("from"));
        (long? to, string? other) = await RevisionAsync(visit, visit.Text("to"));
        long oldest = visit.Moment.Marks.OldestRevision;
        from ??= visit.Moment.At ?? Math.Max(oldest, await past.RevisionAgoAsync(Usual, visit.Gone));
        to ??= visit.Moment.Marks.Revision;
        (long first, long second) = (Math.Min(from.Value, to.Value), Math.Max(from.Value, to.Value));
        List<DifferenceCount> counts = [];
        Page<SeenDifference> differences = new([], null);
        problem ??= other;
        if (problem is null)
        {
            counts = await changes.CountDifferencesAsync(first, second, prefix, visit.Gone);
            differences = await changes.DifferencesAsync(
                first, second, prefix, visit.Bytes("first") ?? [], Most, isWhole: false, visit.Gone);
        }

        return new PageAnswer("Difference", typeof(DifferenceView), new DifferenceModel(
            prefix,
            new Edge(first, await past.TimeOfAsync(first, visit.Gone)),
            new Edge(second, await past.TimeOfAsync(second, visit.Gone)),
            problem,
            counts.ToDictionary(count => count.Change, count => count.Keys),
            counts.Count > 0 && counts.All(count => count.IsExact),
            [.. differences.Rows.Select(difference => Change(visit, difference))],
            differences.Next is null
                ? null
                : visit.Link("/diff", ("prefix", prefix), ("from", first), ("to", second), ("first", differences.Next))));
    }

    private static ChangedKey Change(Visit visit, SeenDifference difference)
    {
        bool isMasked = visit.Masks.Hide(difference.Key);
        return new ChangedKey(
            difference.Key, difference.Change, difference.OldModRevision, difference.NewModRevision,
            isMasked ? null : Comparison.Of(difference.OldValue, difference.NewValue));
    }

    private async Task<(long? Revision, string? Problem)> RevisionAsync(Visit visit, string? text)
    {
        if (text is null || text.Trim().Equals("now", StringComparison.OrdinalIgnoreCase))
        {
            return (text is null ? null : visit.Moment.Marks.Revision, null);
        }

        (long? revision, TimeSpan? ago, DateTime? time) = MomentText.Parse(text);
        return revision is not null ? (revision, null)
            : ago is { } span ? (await past.RevisionAgoAsync(span, visit.Gone), null)
            : time is { } at ? (await past.RevisionAtAsync(at, visit.Gone), null)
            : (null, $"“{text}” is not a moment.");
    }
}

/// <summary>The model of the difference page.</summary>
/// <param name="Prefix">The prefix of the keys compared.</param>
/// <param name="From">The earlier moment.</param>
/// <param name="To">The later one.</param>
/// <param name="Problem">Why the moments cannot be compared; null if they can.</param>
/// <param name="Counts">The number of keys by kind of change.</param>
/// <param name="IsCounted">Whether the counts are complete.</param>
/// <param name="Keys">A page of the keys.</param>
/// <param name="More">The address of the next page; null on the last page.</param>
public sealed record DifferenceModel(
    byte[] Prefix, Edge From, Edge To, string? Problem, IReadOnlyDictionary<string, long> Counts, bool IsCounted,
    IReadOnlyList<ChangedKey> Keys, string? More);

/// <summary>A moment.</summary>
public sealed record Edge(long Revision, DateTime? Time);

/// <summary>A key that differs.</summary>
/// <param name="Comparison">The two values; null if they are masked.</param>
public sealed record ChangedKey(byte[] Key, string Change, long? OldRevision, long? NewRevision, Comparison? Comparison);
