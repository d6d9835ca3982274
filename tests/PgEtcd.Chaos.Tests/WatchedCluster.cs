using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Watching;
using Shouldly;

namespace PgEtcd.Chaos.Tests;

/// <summary>Three frontends on one database, with watchers and writers.</summary>
internal sealed class WatchedCluster : IAsyncDisposable
{
    private readonly PgEtcdServer[] _frontends = new PgEtcdServer[3];
    private readonly int[] _ports = [FreePort.Next(), FreePort.Next(), FreePort.Next()];
    private readonly List<WatchClient> _watchers = [];
    private readonly List<RandomWriter> _writers = [];
    private readonly AcknowledgedWrites _written = new();
    private readonly string _database;

    private WatchedCluster(string database) => _database = database;

    public IReadOnlyList<PgEtcdServer> Frontends => _frontends;

    public IReadOnlyList<WatchClient> Watchers => _watchers;

    /// <summary>The addresses of the frontends, also while these are down.</summary>
    public IEnumerable<Uri> Urls => _ports.Select((_, number) => Url(number));

    /// <summary>The longest time without an acknowledged write.</summary>
    public TimeSpan LongestGap => _written.LongestGap;

    /// <summary>Starts the frontends.</summary>
    /// <param name="database">The shared database.</param>
    /// <param name="firstDatabase">The address to which the first frontend connects instead.</param>
    /// <param name="moreArguments">More arguments for all of them.</param>
    public static async Task<WatchedCluster> StartAsync(string database, string? firstDatabase = null, params string[] moreArguments)
    {
        WatchedCluster cluster = new(database);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(
            number => cluster.StartAsync(number, number == 0 ? firstDatabase : null, moreArguments)));
        return cluster;
    }

    /// <summary>Declares the lines that running frontends log while the test takes their database away.</summary>
    public void ExpectOutage()
    {
        foreach (PgEtcdServer frontend in _frontends)
        {
            frontend.Expect("PostgreSQL does not answer, trying again");
        }
    }

    /// <summary>Kills a frontend without notice.</summary>
    public async Task KillAsync(int number)
    {
        await _frontends[number].Kill9Async();
        await _frontends[number].DisposeAsync();
    }

    /// <summary>Starts a frontend at its usual address.</summary>
    public async Task StartAsync(int number, string? database = null, params string[] moreArguments) =>
        _frontends[number] = await PgEtcdServer.StartAsync(
            database ?? _database, name: $"frontend{number}", port: _ports[number], moreArguments: moreArguments);

    /// <summary>Watches on each frontend from the start: all keys, a prefix, a key, a prefix with previous values, and puts only.</summary>
    public void Watch()
    {
        for (int frontend = 0; frontend < 3; frontend++)
        {
            Uri[] urls = [Url(frontend), Url(frontend + 1), Url(frontend + 2)];
            WatchCreateRequest previous = WatchCall.Prefix("b/", start: 2);
            previous.PrevKv = true;
            WatchCreateRequest puts = WatchCall.All(start: 2);
            puts.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete);
            WatchCreateRequest[] watches = [
                WatchCall.All(start: 2), WatchCall.Prefix("a/", start: 2), WatchCall.Key("a/03", start: 2), previous, puts];
            _watchers.AddRange(watches.Select(watch => new WatchClient(watch, urls)));
        }
    }

    /// <summary>Writes through the named frontends, or all.</summary>
    public void Write(params int[] frontends) => _writers.AddRange(
        (frontends.Length == 0 ? [0, 1, 2] : frontends).SelectMany(frontend => Enumerable.Range(0, 3).Select(
            writer => new RandomWriter(Url(frontend), seed: (10 * frontend) + writer, _written))));

    /// <summary>Waits for more writes to succeed.</summary>
    public Task AcknowledgedAsync(int more)
    {
        int target = Acknowledged + more;
        return Eventually.TrueAsync(() => Acknowledged >= target, $"{more} more writes are acknowledged");
    }

    /// <summary>Stops the writers; then acknowledged writes must be in the table, and every watcher must have seen exactly the events of
    /// the table.</summary>
    public async Task CheckAsync()
    {
        await Task.WhenAll(_writers.Select(writer => writer.StopAsync()));
        LogTable table = new(_database);
        await table.ShouldBeWellFormedAsync();
        _written.Puts.Except(await table.PutsAsync()).ShouldBeEmpty("each acknowledged put is in the log");
        LoggedHistory history = await LoggedHistory.ReadAsync(_database);
        foreach (WatchClient watcher in _watchers)
        {
            await watcher.ShouldHaveSeenAsync(history);
        }
    }

    public async ValueTask DisposeAsync()
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
    }

    private int Acknowledged => _writers.Sum(writer => writer.Acknowledged);

    private Uri Url(int number) => new($"http://127.0.0.1:{_ports[number % 3]}");
}
