using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Difference;

/// <summary>The keys that differ between two moments.</summary>
internal sealed class DifferencePage(PastBrowser past, ChangeBrowser changes) : IPage
{
    private const int Most = 50;

    /// <summary>The earlier moment where none is given.</summary>
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
            : (null, $"“{text}” is no moment.");
    }
}

/// <summary>What the page of differences shows.</summary>
/// <param name="Prefix">Of which keys.</param>
/// <param name="From">The earlier moment.</param>
/// <param name="To">The later one.</param>
/// <param name="Problem">What is wrong with the question; null: nothing.</param>
/// <param name="Counts">Keys by the kind of change.</param>
/// <param name="IsCounted">These are all; or there are more.</param>
/// <param name="Keys">A page of them.</param>
/// <param name="More">The next page; null: this is the last.</param>
public sealed record DifferenceModel(
    byte[] Prefix, Edge From, Edge To, string? Problem, IReadOnlyDictionary<string, long> Counts, bool IsCounted,
    IReadOnlyList<ChangedKey> Keys, string? More);

/// <summary>A moment.</summary>
public sealed record Edge(long Revision, DateTime? Time);

/// <summary>A key that differs.</summary>
/// <param name="Comparison">Its values; null: they stay hidden.</param>
public sealed record ChangedKey(byte[] Key, string Change, long? OldRevision, long? NewRevision, Comparison? Comparison);
