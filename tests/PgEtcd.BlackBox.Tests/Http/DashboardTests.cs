using System.Text.Json;
using System.Text.RegularExpressions;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>deploy/grafana and deploy/prometheus query metrics that the server has, in valid PromQL.</summary>
public sealed partial class DashboardTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Promtool = "/usr/bin/promtool";

    private static readonly string Alerts = Path.Combine(Repository.Root, "deploy/prometheus/alerts.yml");

    /// <summary>Prometheus' own metrics, and one that has no series before the first error.</summary>
    private static readonly string[] NotThereYet = ["up", "pgetcd_sql_errors_total"];

    [Fact]
    public async Task Every_queried_metric_exists()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        using HttpClient http = new();
        string page = await http.GetStringAsync(new Uri(server.ClientUrl, "/metrics"));
        string[] served = [.. MetricLine().Matches(page).Select(match => match.Groups[1].Value).Distinct()];
        string[] asked =
        [
            .. Queries().Concat(File.ReadAllLines(Alerts).Where(line => !line.Contains("summary", StringComparison.Ordinal)))
                .SelectMany(query => MetricName().Matches(query)).Select(match => match.Value).Distinct(),
        ];
        asked.Length.ShouldBeGreaterThan(20);
        asked.Except(NotThereYet).Except(served).ShouldBeEmpty();
    }

    [SkippableFact]
    public async Task Prometheus_understands_the_alerts_and_the_queries_and_the_alerts_fire_when_they_should()
    {
        Tool.Require(Promtool, "prometheus");
        using TempDirectory files = new("rules");
        string rules = $"{files.Path}/dashboard.yml";
        await File.WriteAllTextAsync(rules, "groups:\n  - name: dashboard\n    rules:\n" + string.Concat(Queries().Select((query, at) =>
        {
            string expression = query.Replace("$__rate_interval", "5m", StringComparison.Ordinal)
                .Replace("'", "''", StringComparison.Ordinal);
            return $"      - record: query_{at}\n        expr: '{expression}'\n";
        })));
        foreach (string[] arguments in new[]
        {
            new[] { "check", "rules", Alerts, rules },
            ["test", "rules", Path.Combine(Repository.Root, "deploy/prometheus/alerts_test.yml")],
        })
        {
            CommandResult result = await Command.RunAsync(Promtool, arguments);
            result.ExitCode.ShouldBe(0, result.Output + result.Error);
        }
    }

    private static string[] Queries()
    {
        using JsonDocument dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "deploy/grafana/pgetcd.json")));
        string[] queries =
        [
            .. dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(
                    target => target.GetProperty("expr").GetString()!),
        ];
        queries.Length.ShouldBeGreaterThan(20);
        return queries;
    }

    [GeneratedRegex(@"^([a-z_]+)(?=[{ ])", RegexOptions.Multiline)]
    private static partial Regex MetricLine();

    [GeneratedRegex(@"\b(etcd|pgetcd|grpc|process)_[a-z_]+(?=[{\[ ])")]
    private static partial Regex MetricName();
}
