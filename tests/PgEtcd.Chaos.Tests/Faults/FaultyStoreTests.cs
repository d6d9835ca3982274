using Npgsql;
using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>What holds the histories together finds a store that breaks its promises: here PgEtcd is made to.</summary>
public sealed class FaultyStoreTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private readonly History _history = new();
    private int _clients;

    [Fact]
    public async Task A_store_that_loses_its_last_second_is_found_by_its_answers_its_revisions_and_its_log()
    {
        string database = await postgres.CreateStoreAsync();
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(database);
        await WorkAsync(cluster, TimeSpan.FromSeconds(3));
        for (int frontend = 0; frontend < 3; frontend++)
        {
            await cluster.KillAsync(frontend);
        }

        await LoseLastSecondAsync(database);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(frontend => cluster.StartAsync(frontend)));
        await WorkAsync(cluster, TimeSpan.FromSeconds(2));

        _history.NotLinearizable().ShouldNotBeEmpty();
        RevisionOrder.Violations(_history.Calls).ShouldNotBeEmpty();
        _history.Violations(await _history.LogAsync(database))
            .ShouldContain(violation => violation.Contains("acknowledged, and not in the log", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_frontend_that_reads_stale_is_found_by_its_answers_and_its_revisions()
    {
        string database = await postgres.CreateStoreAsync();
        int port = new NpgsqlConnectionStringBuilder(database).Port;
        await using TcpProxy proxy = new(port);
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(
            database, new NpgsqlConnectionStringBuilder(database) { Port = proxy.Port }.ConnectionString);
        cluster.ExpectOutage();
        Task working = WorkAsync(cluster, TimeSpan.FromSeconds(4), staleFrontend: 0);
        await Task.Delay(TimeSpan.FromSeconds(1));
        proxy.Pause();
        await Task.Delay(TimeSpan.FromSeconds(1));
        proxy.Resume();
        await working;

        _history.NotLinearizable().ShouldNotBeEmpty();
        RevisionOrder.Violations(_history.Calls).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Without_a_fault_nothing_is_found()
    {
        string database = await postgres.CreateStoreAsync();
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(database);
        await WorkAsync(cluster, TimeSpan.FromSeconds(3));

        _history.Calls.Count.ShouldBeGreaterThan(500);
        _history.Violations(await _history.LogAsync(database)).ShouldBeEmpty();
    }

    private async Task WorkAsync(WatchedCluster cluster, TimeSpan duration, int staleFrontend = -1)
    {
        using CancellationTokenSource stop = new(duration);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            int number = _clients++;
            await using RandomClient client = new(number, cluster.Urls, _history, seed: number) { StaleFrontend = staleFrontend };
            await client.RunAsync(stop.Token);
        }));
    }

    private static async Task LoseLastSecondAsync(string database)
    {
        await using NpgsqlConnection connection = new(database);
        await connection.OpenAsync();
        await using NpgsqlCommand lose = new("""
            delete from pgetcd.revisions where committed_at > (select max(committed_at) - interval '1 second' from pgetcd.revisions)
            """, connection);
        (await lose.ExecuteNonQueryAsync()).ShouldBeGreaterThan(100);
    }
}
