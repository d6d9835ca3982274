using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Postgres.Browsing;
using PgEtcd.Postgres.Calls;

namespace PgEtcd.Console.Pages.Activity;

/// <summary>Streams the changes of a prefix to an EventSource; each event is some rows of the table. The visitor's rights are checked again
/// before each event.</summary>
internal sealed class TailStream(
    ConsoleParts parts, Visitors visitors, ChangeBrowser changes, Func<Visit, FragmentAnswer, Task<string>> render) : IPage
{
    private const int Most = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    public Task<Answer> GetAsync(Visit visit)
    {
        byte[] prefix = visit.Bytes("prefix") ?? [];
        visit.Demand(Ranges.Prefix(prefix));
        return Task.FromResult<Answer>(new StreamAnswer(context => WriteAsync(context, visit, prefix)));
    }

    private async Task WriteAsync(HttpContext context, Visit visit, byte[] prefix)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, parts.Stopping);
        context.Response.ContentType = "text/event-stream";
        try
        {
            await FollowAsync(context, visit, prefix, ended.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or StoreUnavailableException or RefusedException)
        {
            // The browser has disconnected, the server is stopping, or PostgreSQL is down. The browser reconnects and resumes.
        }
    }

    private async Task FollowAsync(HttpContext context, Visit visit, byte[] prefix, CancellationToken ended)
    {
        long seen = long.TryParse(context.Request.Headers["Last-Event-ID"], out long last) ? last
            : visit.Number("after") ?? parts.Reader.Current.Revision;
        long checkedAt = TimeProvider.System.GetTimestamp();
        await SendAsync(context, $"retry: 1000\nid: {seen}\nevent: ready\ndata: {seen}\n\n", ended);
        while (true)
        {
            long newest = parts.Reader.Current.Revision;
            bool isDue = TimeProvider.System.GetElapsedTime(checkedAt) > Heartbeat;
            if (newest <= seen && !isDue)
            {
                await Task.Delay(Pause, ended);
                continue;
            }

            Visitor visitor = await visitors.IdentifyAsync(context);
            checkedAt = TimeProvider.System.GetTimestamp();
            if (visitor.MustLogIn || !visitor.MayRead(Ranges.Prefix(prefix)))
            {
                await SendAsync(context, "event: expired\ndata: expired\n\n", ended);
                return;
            }

            List<SeenChange> rows = newest > seen ? await changes.SinceAsync(seen, newest, prefix, Most, ended) : [];
            // A page may end within a revision, which then comes whole with the next page.
            long upTo = rows.Count < Most ? newest : rows[^1].ModRevision - (rows[^1].ModRevision > rows[0].ModRevision ? 1 : 0);
            rows.RemoveAll(row => row.ModRevision > upTo);
            rows.Reverse();
            seen = Math.Max(seen, upTo);
            await SendAsync(context, rows.Count == 0 ? $"id: {seen}\n: \n\n" : await EventAsync(visit, seen, rows), ended);
        }
    }

    private async Task<string> EventAsync(Visit visit, long seen, IReadOnlyList<SeenChange> rows)
    {
        string html = await render(visit, new FragmentAnswer(typeof(ChangeRows), rows));
        return $"id: {seen}\ndata: {html.ReplaceLineEndings("\ndata: ")}\n\n";
    }

    private static async Task SendAsync(HttpContext context, string text, CancellationToken ended)
    {
        await context.Response.WriteAsync(text, ended);
        await context.Response.Body.FlushAsync(ended);
    }
}
