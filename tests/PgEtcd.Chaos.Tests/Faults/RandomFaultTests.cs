using System.Globalization;
using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>All kinds of faults, at random, for <c>CHAOS_SECONDS</c> (15), from the seed <c>CHAOS_SEED</c> (a new one each time): the
/// history of all clients is one that a single sequential store could have made.</summary>
public sealed class RandomFaultTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Clients = 12;

    /// <summary>The longest time until the last lease ends: the longest TTL twice, because of an outage of PostgreSQL, the rest of a dead
    /// leader's term, and the delay of a loaded machine.</summary>
    private static readonly TimeSpan LeaseLimit = TimeSpan.FromSeconds(4 + 4 + 2.5 + 20);

    private readonly History _history = new();
    private PostgresServer _postgres = null!;

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync(new PostgresOptions { Fsync = true });

    [Fact]
    public async Task The_answers_of_three_frontends_are_linearizable_and_match_the_log()
    {
        int seed = Number("CHAOS_SEED") ?? Random.Shared.Next();
        string database = _postgres.ConnectionString();
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(database);
        RandomFaults faults = new(cluster, _postgres, _history, seed);
        try
        {
            await RunAsync(cluster, faults, seed, TimeSpan.FromSeconds(Number("CHAOS_SECONDS") ?? 15));
            await CheckAsync(cluster, database, $"{seed}.txt");
        }
        catch (Exception error)
        {
            cluster.ExpectOutage();
            throw new InvalidOperationException($"CHAOS_SEED={seed}: {error.Message}", error);
        }
        finally
        {
            output.WriteLine($"CHAOS_SEED={seed}\n{faults.Told}");
        }
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    private async Task RunAsync(WatchedCluster cluster, RandomFaults faults, int seed, TimeSpan duration)
    {
        RecordingClient[] clients =
        [
            .. Enumerable.Range(0, Clients).Select(number => new RandomClient(number, cluster.Urls, _history, seed + number)),
            .. RecordingClient.LeasedKeys.Select((_, number) => new LeaseHolder(number, cluster.Urls, _history, seed + Clients + number)),
        ];
        cluster.Watch();
        using CancellationTokenSource stop = new();
        Task[] working = [.. clients.Select(client => Task.Run(() => client.RunAsync(stop.Token)))];
        try
        {
            using CancellationTokenSource half = new(duration / 2);
            await faults.RunAsync(half.Token);
            cluster.Watch(); // from the past
            using CancellationTokenSource end = new(duration / 2);
            await faults.RunAsync(end.Token);
        }
        finally
        {
            cluster.ExpectOutage();
            await stop.CancelAsync();
            await Task.WhenAll(working);
            foreach (RecordingClient client in clients)
            {
                await client.DisposeAsync();
            }
        }
    }

    private async Task CheckAsync(WatchedCluster cluster, string database, string file)
    {
        // Each frontend answers again, and the keys of leases are gone.
        foreach (Uri frontend in cluster.Urls)
        {
            await using LastReader reader = new(frontend, _history);
            await Eventually.TrueAsync(reader.SeesNoLeasedKeyAsync, LeaseLimit, "the keys of all leases are gone");
            await using GrpcChannel channel = new(frontend);
            // A lease whose grant was not answered has no key, and may end after all that have one.
            await Eventually.TrueAsync(async () => (await channel.LeasesAsync()).Length == 0, LeaseLimit, "all leases are gone");
        }

        await cluster.CheckAsync();
        KvClient[] frontends = [.. cluster.Urls.Select(url => new KvClient(url))];
        await new LogTable(database).ShouldBeWhatFrontendsShowAsync(frontends);
        foreach (KvClient frontend in frontends)
        {
            await frontend.DisposeAsync();
        }

        IReadOnlyList<LogRow> log = await _history.LogAsync(database);
        output.WriteLine(_history.Summary(log));
        _history.ShouldBeRight(log, file);
        _history.Calls.Count(call => call.Outcome == Outcome.Answered).ShouldBeGreaterThan(300, "otherwise the run shows nothing");
        _history.Calls.ShouldContain(call => call.Outcome == Outcome.Unknown);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    /// <summary>Reads the final state that a frontend shows when no client writes.</summary>
    private sealed class LastReader(Uri frontend, History history) : RecordingClient("last", [frontend], history, seed: 0)
    {
        public async Task<bool> SeesNoLeasedKeyAsync() =>
            await GetAllAsync() is { } all && !all.Kvs.Any(kv => LeasedKeys.Contains(kv.Key.ToStringUtf8()));

        public override Task RunAsync(CancellationToken stop) => throw new NotSupportedException();
    }
}
