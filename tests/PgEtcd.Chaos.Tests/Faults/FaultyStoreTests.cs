using Dapper;
using Npgsql;
using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>The checks of histories detect a store that breaks its promises; here PgEtcd is made to break them.</summary>
public sealed class FaultyStoreTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private readonly History _history = new();
    private int _clients;

    [Fact]
    public async Task Lost_writes_are_detected_by_answers_revisions_and_log()
    {
        string database = await postgres.CreateStoreAsync();
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(database);
        await WorkAsync(cluster, calls: 500);
        for (int frontend = 0; frontend < 3; frontend++)
        {
            await cluster.KillAsync(frontend);
        }

        // About a second's worth of writes, on a busy machine.
        await ExecuteAsync(database, "delete from pgetcd.revisions where revision > (select max(revision) - 100 from pgetcd.revisions)");
        await Task.WhenAll(Enumerable.Range(0, 3).Select(frontend => cluster.StartAsync(frontend)));
        await WorkAsync(cluster, calls: 300);

        await ShouldFindAsync(
            database, "is not linearizable", "began after", "Two writes have one revision", "acknowledged, and not in the log");
    }

    [Fact]
    public async Task Stale_reads_are_detected_by_answers_and_revisions()
    {
        string database = await postgres.CreateStoreAsync();
        int port = new NpgsqlConnectionStringBuilder(database).Port;
        await using TcpProxy proxy = new(port);
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(
            database, new NpgsqlConnectionStringBuilder(database) { Port = proxy.Port }.ConnectionString);
        cluster.ExpectOutage();
        Task working = WorkAsync(cluster, calls: 1000, staleFrontend: 0);
        await CallsAsync(300);
        proxy.Pause();
        await CallsAsync(300);
        proxy.Resume();
        await working;

        IReadOnlyList<string> violations = await ShouldFindAsync(database, "is not linearizable", "began after");
        violations.Where(violation => !Is("is not linearizable")(violation) && !Is("began after")(violation))
            .ShouldBeEmpty("each answer is true of its revision");
    }

    [Fact]
    public async Task Leases_that_end_early_are_detected_by_the_log()
    {
        string database = await postgres.CreateStoreAsync();
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(database);
        Task holding = HoldLeasesAsync(cluster, TimeSpan.FromSeconds(5));
        for (int second = 1; second < 5; second++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1)); // meanwhile holders grant and renew
            await ExecuteAsync(database, "update pgetcd.leases set expires_at = clock_timestamp() - interval '1 second'");
        }

        await holding;
        await ShouldFindAsync(database, "No call explains");
    }

    [Fact]
    public async Task Without_a_fault_nothing_is_detected()
    {
        string database = await postgres.CreateStoreAsync();
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(database);
        await Task.WhenAll(WorkAsync(cluster, calls: 1000), HoldLeasesAsync(cluster, TimeSpan.FromSeconds(6)));

        _history.ShouldBeRight(await _history.LogAsync(database), "without-a-fault.txt");
    }

    /// <summary>Lets clients make this number of calls.</summary>
    private async Task WorkAsync(WatchedCluster cluster, int calls, int staleFrontend = -1)
    {
        using CancellationTokenSource stop = new();
        Task working = Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            int number = _clients++;
            await using RandomClient client = new(number, cluster.Urls, _history, seed: number) { StaleFrontend = staleFrontend };
            await client.RunAsync(stop.Token);
        }));
        await CallsAsync(calls);
        await stop.CancelAsync();
        await working;
    }

    private async Task<IReadOnlyList<string>> ShouldFindAsync(string database, params IEnumerable<string> kinds)
    {
        IReadOnlyList<string> violations = _history.Violations(await _history.LogAsync(database));
        foreach (string kind in kinds)
        {
            violations.Count(Is(kind)).ShouldBeGreaterThan(0, $"{kind}: {string.Join('\n', violations)}");
        }

        return violations;
    }

    private static Func<string, bool> Is(string kind) => violation => violation.Contains(kind, StringComparison.Ordinal);

    private Task CallsAsync(int more)
    {
        int target = _history.Calls.Count + more;
        return Eventually.TrueAsync(() => _history.Calls.Count >= target, $"clients make {more} more calls");
    }

    private async Task HoldLeasesAsync(WatchedCluster cluster, TimeSpan duration)
    {
        using CancellationTokenSource stop = new(duration);
        await Task.WhenAll(RecordingClient.LeasedKeys.Select(async (_, number) =>
        {
            await using LeaseHolder holder = new(number, cluster.Urls, _history, seed: number);
            await holder.RunAsync(stop.Token);
        }));
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using NpgsqlConnection connection = new(database);
        await connection.ExecuteAsync(sql);
    }
}
