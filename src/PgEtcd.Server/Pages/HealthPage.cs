using System.Diagnostics.Metrics;
using PgEtcd.Api.Http;
using PgEtcd.Postgres.Metrics;
using PgEtcd.Server.Metrics;

namespace PgEtcd.Server.Pages;

/// <summary>/health (semantics.md §14): alarms, whether there is a leader, and a read.</summary>
internal sealed class HealthPage(HealthProbe probe)
{
    private readonly Counter<long> _successes = ServerMeter.Meter.Counter(
        "etcd_server_health_success", "The total number of successful health checks");

    private readonly Counter<long> _failures = ServerMeter.Meter.Counter(
        "etcd_server_health_failures", "The total number of failed health checks");

    /// <summary>Answers a GET.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        IQueryCollection query = context.Request.Query;
        string? reason = await ReasonAsync(query["exclude"], isLocal: query["serializable"].FirstOrDefault() == "true");
        if (reason is null)
        {
            _successes.Add(1);
            await context.AnswerAsync(StatusCodes.Status200OK, PlainAnswers.Text, """{"health":"true","reason":""}""");
        }
        else
        {
            _failures.Add(1);
            await RefuseAsync(context, reason);
        }
    }

    /// <summary>Answers that the server is not healthy.</summary>
    public static Task RefuseAsync(HttpContext context, string reason) => context.RefuseAsync(
        StatusCodes.Status503ServiceUnavailable,
        $$"""{"health":"false","reason":{{System.Text.Json.JsonSerializer.Serialize(reason)}}}""");

    private async Task<string?> ReasonAsync(IEnumerable<string?> excluded, bool isLocal)
    {
        return probe.Alarms.Except(excluded).FirstOrDefault() is { } alarm ? $"ALARM {alarm}"
            : !isLocal && !probe.HasLeader ? "RAFT NO LEADER"
            : ((isLocal ? null : probe.Staleness) ?? await probe.ReadAsync(isLocal)) is { } error ? $"RANGE ERROR:{error}"
            : null;
    }
}
