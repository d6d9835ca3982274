using System.Text.RegularExpressions;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>The metrics compared with real etcd's: each has the same type, labels and buckets, or docs/decisions/0012-metrics.md explains
/// why it is missing.</summary>
public sealed partial class EtcdMetricsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>Metrics of etcd 3.6 that Debian's 3.4 lacks (semantics.md §14), or that appear only on first use.</summary>
    private static readonly string[] OfLater =
    [
        "etcd_server_healthcheck", "etcd_server_healthchecks_total", "etcd_server_apply_duration_seconds",
        "etcd_server_range_duration_seconds",
        "etcd_server_feature_enabled", "etcd_server_learner_promote_failures", "etcd_debugging_mvcc_db_compaction_last",
        "etcd_debugging_server_alarms",
        "etcd_network_server_stream_failures_total", "etcd_network_peer_round_trip_time_seconds", "etcd_network_peer_sent_failures_total",
        "etcd_network_peer_received_failures_total", "etcd_network_peer_sent_bytes_total", "etcd_network_peer_received_bytes_total",
        "etcd_network_active_peers", "etcd_network_known_peers", "etcd_network_disconnected_peers_total",
    ];

    private static readonly Lazy<string[]> Documented = new(() =>
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "decisions", "0012-metrics.md"));
        string table = page.Split("\n## Left out\n")[1].Split("\n## ")[0];
        return [.. table.Split('\n').Where(line => line.StartsWith('|')).SelectMany(line => Name().Matches(line.Split('|')[1])).Select(
            match => match.Groups[1].Value)];
    });

    [SkippableFact]
    public async Task Each_of_etcds_metrics_is_the_same_here_or_explained_in_the_decision()
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync("--metrics=extensive");
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--metrics=extensive"]);
        PrometheusPage theirs = await UsedAsync(etcd);
        PrometheusPage ours = await UsedAsync(pgetcd);

        string[] all = [.. theirs.Kinds.Keys, .. OfLater];
        Documented.Value.Where(documented => !all.Any(name => Means(documented, name))).ShouldBeEmpty(
            "left out, says the decision, but nothing of etcd's");
        ours.Kinds.Keys.Where(IsDocumented).ShouldBeEmpty("listed as left out in the decision");
        all.Except(ours.Kinds.Keys).Where(name => !IsDocumented(name)).ShouldBeEmpty("missing here and in the decision");
        theirs.Kinds.Keys.Intersect(ours.Kinds.Keys).Where(name => Described(ours, name) != Described(theirs, name))
            .Select(name => $"{name}: {Described(ours, name)}, etcd: {Described(theirs, name)}").ShouldBeEmpty();
    }

    /// <summary>Uses metrics that appear only once they have counted something.</summary>
    private static async Task<PrometheusPage> UsedAsync(IEtcdServer server)
    {
        using HttpProbe http = new(server.ClientUrl);
        await using Kv kv = new(server);
        await kv.PutAsync("a");
        await kv.SendAsync(Kv.Range("a"));
        await Eventually.TrueAsync(
            async () => (await http.MetricsAsync()).Has("etcd_mvcc_db_total_size_in_bytes"), "the size is known");
        return await http.MetricsAsync();
    }

    private static bool IsDocumented(string name) => Documented.Value.Any(documented => Means(documented, name));

    private static bool Means(string documented, string name) =>
        documented.EndsWith('*') ? name.StartsWith(documented[..^1], StringComparison.Ordinal) : name == documented;

    /// <summary>The type of a metric, the names of its labels, and its bounds if it is a histogram.</summary>
    private static string Described(PrometheusPage page, string name)
    {
        IEnumerable<string> samples = page.Samples.Keys.Where(sample => sample.Split('{')[0] is string own
            && (own == name || (page.Kinds[name] == "histogram" && own == $"{name}_bucket")));
        return page.Kinds[name] + " " + string.Join(' ', samples.SelectMany(sample => Label().Matches(sample))
            .Select(label => label.Groups[1].Value == "le" ? label.Value.TrimStart('{', ',') : label.Groups[1].Value)
                .Distinct().Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"`([a-z][a-z_0-9]+\*?)`")]
    private static partial Regex Name();

    [GeneratedRegex("[{,]([A-Za-z_]+)=\"(?:[^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Label();
}
