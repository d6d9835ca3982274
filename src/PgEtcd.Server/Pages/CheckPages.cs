using System.Text;
using PgEtcd.Api.Http;

namespace PgEtcd.Server.Pages;

/// <summary>/livez, /readyz and the page of each of their checks (semantics.md §14). The checks run in order; etcd's order is
/// random.</summary>
/// <param name="type">livez or readyz.</param>
/// <param name="probe">The server's health.</param>
/// <param name="checks">The checks; each returns the reason of a failure, or null.</param>
internal sealed class CheckPages(string type, HealthProbe probe, params (string Name, Func<Task<string?>> Run)[] checks)
{
    private readonly HealthCheck[] _checks = [.. checks.Select(check => new HealthCheck(type, check.Name, check.Run))];

    /// <summary>The page of all checks together.</summary>
    public string Root { get; } = "/" + type;

    /// <summary>The checks of /livez: whether the process itself works. Restarting it would not bring the database back.</summary>
    public static CheckPages Live(HealthProbe probe) =>
        new("livez", probe, ("serializable_read", () => probe.ReadAsync(serializable: true)));

    /// <summary>The checks of /readyz: whether requests should be sent to this frontend.</summary>
    public static CheckPages Ready(HealthProbe probe) => new(
        "readyz",
        probe,
        ("data_corruption", () => Task.FromResult(probe.Alarms.Contains("CORRUPT") ? "alarm activated: CORRUPT" : null)),
        ("serializable_read", async () => probe.Staleness ?? await probe.ReadAsync(serializable: true)),
        ("linearizable_read", () => probe.ReadAsync(serializable: false)),
        ("non_learner", () => Task.FromResult<string?>(null))); // there are no learners here

    /// <summary>The pages by path.</summary>
    public IEnumerable<(string Path, RequestDelegate Serve)> Pages() => _checks
        .Select(check => ($"{Root}/{check.Name}", (RequestDelegate)(context => ServeAsync(context, [check]))))
        .Prepend((Root, context => ServeAsync(context, NotExcluded(context.Request.Query["exclude"]))));

    private HealthCheck[] NotExcluded(IEnumerable<string?> excluded) => [.. _checks.Where(check => !excluded.Contains(check.Name))];

    private async Task ServeAsync(HttpContext context, HealthCheck[] checks)
    {
        StringBuilder report = new();
        bool isFine = true;
        foreach (HealthCheck check in checks)
        {
            string? error = await check.RunAsync();
            isFine &= error is null;
            report.Append(error is null ? $"[+]{check.Name} ok\n" : $"[-]{check.Name} failed: {error}\n");
        }

        foreach (string note in probe.Notes)
        {
            report.Append($"[!]{note}\n");
        }

        if (!isFine)
        {
            await context.RefuseAsync(StatusCodes.Status503ServiceUnavailable, report.ToString());
            return;
        }

        context.Response.Headers.XContentTypeOptions = "nosniff";
        await context.AnswerAsync(
            StatusCodes.Status200OK, PlainAnswers.Text, (context.Request.Query.ContainsKey("verbose") ? report.ToString() : "") + "ok\n");
    }
}
