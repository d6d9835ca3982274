using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>Three frontends, watchers on each, writers on all, and faults of frontends and connections meanwhile: every watcher sees the
/// committed history of its range, in order, once.</summary>
public sealed class WatchTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private string _database = "";
    private WatchedCluster _cluster = null!;

    public async Task InitializeAsync()
    {
        _database = await postgres.CreateStoreAsync();
        _cluster = await WatchedCluster.StartAsync(_database);
    }

    [Fact]
    [Trait("issue", "kine#759")]
    [Trait("issue", "kine#82")]
    [Trait("issue", "kine#71")]
    [Trait("issue", "k3s#8708")]
    public async Task Invariant1_order_is_commit_order_so_watchers_see_the_history_once_and_in_order()
    {
        _cluster.Watch();
        _cluster.Write();
        await _cluster.AcknowledgedAsync(1000);
        _cluster.Watch(); // from the past, during the writes
        await _cluster.AcknowledgedAsync(500);
        await _cluster.CheckAsync();
        _cluster.Watchers.ShouldAllBe(watcher => watcher.Streams == 1);
    }

    [Fact]
    [Trait("issue", "etcd#15271")]
    [Trait("issue", "etcd#17247")]
    public async Task Watchers_see_the_history_once_and_in_order_when_frontends_are_killed()
    {
        _cluster.Watch();
        _cluster.Write();
        for (int victim = 0; victim < 3; victim++)
        {
            await _cluster.AcknowledgedAsync(150);
            await _cluster.KillAsync(victim);
            await _cluster.AcknowledgedAsync(100);
            await _cluster.StartAsync(victim);
        }

        await _cluster.AcknowledgedAsync(150);
        await _cluster.CheckAsync();
        _cluster.Watchers.ShouldAllBe(watcher => watcher.Streams > 1);
    }

    [Fact]
    public async Task Watchers_see_the_history_once_and_in_order_when_database_connections_are_cut()
    {
        _cluster.Watch();
        _cluster.Write();
        _cluster.ExpectOutage();
        for (int cut = 0; cut < 12; cut++)
        {
            await _cluster.AcknowledgedAsync(60);
            await CutAsync();
        }

        await _cluster.AcknowledgedAsync(60);
        await _cluster.CheckAsync();
        _cluster.Watchers.ShouldAllBe(watcher => watcher.Streams == 1, "a lost connection to the database does not end streams");
    }

    [Fact]
    [Trait("issue", "etcd#20418")]
    public async Task A_frontend_frozen_for_seconds_reads_fresh_data_and_sends_each_event_once()
    {
        _cluster.Watch();
        _cluster.Write(1, 2);
        await _cluster.AcknowledgedAsync(100);
        await using KvClient frozen = new(_cluster.Frontends[0]);
        await using KvClient other = new(_cluster.Frontends[1]);
        await frozen.GetAsync("a/fresh");
        _cluster.Frontends[0].Process.Signal(UnixSignal.Stop);
        await Task.Delay(TimeSpan.FromSeconds(5)); // longer than any heartbeat interval
        PutResponse put = await other.PutAsync("a/fresh", "1");
        _cluster.Frontends[0].Process.Signal(UnixSignal.Continue);

        (await frozen.GetAsync("a/fresh")).Kvs.ShouldHaveSingleItem().ModRevision.ShouldBe(put.Header.Revision);
        await _cluster.AcknowledgedAsync(100);
        await _cluster.CheckAsync();
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    /// <summary>Cuts about half of all connections of frontends, at any point of their work.</summary>
    private async Task CutAsync()
    {
        await using NpgsqlConnection connection = new(_database);
        await connection.OpenAsync();
        await using NpgsqlCommand cut = new("""
            select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5
            """, connection);
        await cut.ExecuteScalarAsync();
    }
}
