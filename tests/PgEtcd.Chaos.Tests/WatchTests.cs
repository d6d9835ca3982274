using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>Three frontends, watchers on each, writers on all, and whatever may go wrong meanwhile: every watcher sees the
/// committed history of its range, in order, once.</summary>
public sealed class WatchTests : IAsyncLifetime
{
    private readonly PgEtcdServer[] _frontends = new PgEtcdServer[3];
    private readonly int[] _ports = [FreePort.Next(), FreePort.Next(), FreePort.Next()];
    private readonly List<WatchClient> _watchers = [];
    private readonly List<RandomWriter> _writers = [];
    private PostgresServer _postgres = null!;

    private string Database => _postgres.ConnectionString();

    public async Task InitializeAsync()
    {
        _postgres = await PostgresServer.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, _frontends.Length).Select(StartAsync));
    }

    [Fact]
    [Trait("issue", "kine#759")]
    [Trait("issue", "kine#82")]
    [Trait("issue", "kine#71")]
    [Trait("issue", "k3s#8708")]
    public async Task Every_watcher_sees_the_history_of_its_range_once_and_in_order()
    {
        WatchOnEach();
        WriteOnAll();
        await AcknowledgedAsync(1500);
        WatchOnEach(); // from the past, while it goes on
        await AcknowledgedAsync(1500);
        await CheckAsync();
    }

    [Fact]
    [Trait("issue", "etcd#15271")]
    [Trait("issue", "etcd#17247")]
    public async Task So_it_does_when_frontends_are_killed_and_its_stream_goes_on_elsewhere()
    {
        WatchOnEach();
        WriteOnAll();
        for (int victim = 0; victim < 3; victim++)
        {
            await AcknowledgedAsync(200);
            await _frontends[victim].Kill9Async();
            await _frontends[victim].DisposeAsync();
            await AcknowledgedAsync(100);
            await StartAsync(victim);
        }

        await AcknowledgedAsync(200);
        await CheckAsync();
    }

    [Fact]
    public async Task So_it_does_when_connections_to_the_database_are_cut_at_random()
    {
        WatchOnEach();
        WriteOnAll();
        for (int cut = 0; cut < 12; cut++)
        {
            await AcknowledgedAsync(100);
            await CutAsync();
        }

        await AcknowledgedAsync(100);
        await CheckAsync();
    }

    [Fact]
    [Trait("issue", "k3s#2366")]
    public async Task So_it_does_when_PostgreSQL_is_killed_and_comes_back()
    {
        WatchOnEach();
        WriteOnAll();
        await AcknowledgedAsync(300);
        await _postgres.Kill9Async();
        WatchOnEach(); // from the past, while there is no database
        await _postgres.RestartAsync();
        await AcknowledgedAsync(300);
        await CheckAsync();
    }

    [Fact]
    [Trait("issue", "etcd#20418")]
    public async Task A_frontend_that_was_frozen_for_seconds_reads_fresh_and_tells_each_event_once()
    {
        WatchOnEach();
        WriteOnAll(1, 2);
        await AcknowledgedAsync(200);
        _frontends[0].Process.Signal(UnixSignal.Stop);
        await Task.Delay(TimeSpan.FromSeconds(5)); // longer than any heartbeat
        await AcknowledgedAsync(200);
        await using KvClient other = new(_frontends[1]);
        await using KvClient frozen = new(_frontends[0]);
        PutResponse put = await other.PutAsync("a/fresh", "1");
        _frontends[0].Process.Signal(UnixSignal.Continue);

        RangeResponse read = await frozen.GetAsync("a/fresh");
        read.Kvs.ShouldHaveSingleItem().ModRevision.ShouldBe(put.Header.Revision);
        await AcknowledgedAsync(200);
        await CheckAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (WatchClient watcher in _watchers)
        {
            await watcher.DisposeAsync();
        }

        _writers.ForEach(writer => writer.Dispose());
        foreach (PgEtcdServer frontend in _frontends)
        {
            await frontend.DisposeAsync();
        }

        await _postgres.DisposeAsync();
    }

    private async Task StartAsync(int number) =>
        _frontends[number] = await PgEtcdServer.StartAsync(Database, name: $"frontend{number}", port: _ports[number]);

    private Uri Url(int number) => new($"http://127.0.0.1:{_ports[number % 3]}");

    /// <summary>On each frontend: all keys, a prefix, one key, puts only with what was before.</summary>
    private void WatchOnEach()
    {
        for (int frontend = 0; frontend < 3; frontend++)
        {
            Uri[] urls = [Url(frontend), Url(frontend + 1), Url(frontend + 2)];
            WatchCreateRequest previous = WatchCall.Prefix("b/", start: 2);
            previous.PrevKv = true;
            WatchCreateRequest puts = WatchCall.All(start: 2);
            puts.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete);
            WatchCreateRequest[] watches = [WatchCall.All(start: 2), WatchCall.Prefix("a/", start: 2), WatchCall.Key("a/03", start: 2), previous, puts];
            _watchers.AddRange(watches.Select(watch => new WatchClient(watch, urls)));
        }
    }

    private void WriteOnAll(params int[] frontends) => _writers.AddRange(
        (frontends.Length == 0 ? [0, 1, 2] : frontends).SelectMany(frontend => Enumerable.Range(0, 3).Select(
            writer => new RandomWriter(Url(frontend), seed: (10 * frontend) + writer))));

    private Task AcknowledgedAsync(int more)
    {
        int target = _writers.Sum(writer => writer.Acknowledged) + more;
        return Eventually.TrueAsync(
            () => _writers.Sum(writer => writer.Acknowledged) >= target, TimeSpan.FromSeconds(60), $"{more} more writes are acknowledged");
    }

    /// <summary>Cuts about half of all connections that frontends have, whatever they do on them.</summary>
    private async Task CutAsync()
    {
        await using NpgsqlConnection connection = new(Database);
        await connection.OpenAsync();
        await using NpgsqlCommand cut = new(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5",
            connection);
        await cut.ExecuteScalarAsync();
    }

    private async Task CheckAsync()
    {
        await Task.WhenAll(_writers.Select(writer => writer.StopAsync()));
        await new LogTable(Database).ShouldBeWellFormedAsync();
        LoggedHistory history = await LoggedHistory.ReadAsync(Database);
        foreach (WatchClient watcher in _watchers)
        {
            await watcher.ShouldHaveSeenAsync(history);
        }
    }
}
