using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Activity;

/// <summary>The changes made: for root the whole audit, for other users the changes of keys that they may read, without names.</summary>
internal sealed class ActivityPage(ChangeBrowser changes) : IPage
{
    private const int Most = 100;

    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] prefix = visit.Bytes("prefix") ?? [];
        visit.Demand(Ranges.Prefix(prefix));
        bool isRoot = visit.Visitor.IsRoot;
        DateTime? since = MomentOf(visit.Text("since"));
        DateTime? until = MomentOf(visit.Text("until"));
        long? revision = visit.Number("revision");
        ChangeFilter filter = new()
        {
            Prefix = prefix,
            User = isRoot ? visit.Text("user") : null,
            Client = isRoot ? visit.Text("client") : null,
            Request = isRoot ? visit.Text("request") : null,
            Since = since,
            Until = until,
            BeforeRevision = visit.Number("before") ?? (revision ?? visit.Moment.At) + 1,
            BeforeSub = (int?)visit.Number("sub") ?? (revision is null && visit.Moment.At is null ? null : 0),
        };
        List<SeenChange> page = await changes.ChangesAsync(filter, Most + 1, visit.Gone);
        if (revision is not null)
        {
            page.RemoveAll(change => change.ModRevision != revision);
        }

        SeenChange? last = page.Count > Most ? page[Most - 1] : null;
        return new PageAnswer("Activity", typeof(ActivityView), new ActivityModel(
            prefix,
            page[..Math.Min(page.Count, Most)],
            last is null ? null : visit.Link(
                "/activity", ("prefix", prefix), ("user", filter.User), ("client", filter.Client), ("request", filter.Request),
                ("since", visit.Text("since")), ("until", visit.Text("until")), ("revision", revision), ("before", last.ModRevision),
                ("sub", last.Sub)),
            revision));
    }

    /// <summary>The moment for a time or a time span ago; null for other texts.</summary>
    private static DateTime? MomentOf(string? text)
    {
        (_, TimeSpan? ago, DateTime? time) = MomentText.Parse(text ?? "");
        return time ?? (ago is { } span ? DateTime.UtcNow - span : null);
    }
}

/// <summary>The model of the activity page.</summary>
/// <param name="Prefix">The prefix of the keys shown.</param>
/// <param name="Changes">The changes, newest first.</param>
/// <param name="More">The address of the next page; null on the last page.</param>
/// <param name="Revision">The only revision shown; null for all.</param>
public sealed record ActivityModel(byte[] Prefix, IReadOnlyList<SeenChange> Changes, string? More, long? Revision)
{
    /// <summary>The requests that change keys.</summary>
    public static IReadOnlyList<string> Requests { get; } =
    [
        "Put", "DeleteRange", "Txn", "LeaseRevoke", "put", "delete", "delete_prefix", "compare_and_put", "restore_key", "restore_prefix",
    ];
}
