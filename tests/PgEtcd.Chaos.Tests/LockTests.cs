using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>Locks and elections with contenders on different frontends.</summary>
public sealed class LockTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly int[] _ports = [FreePort.Next(), FreePort.Next(), FreePort.Next()];
    private PgEtcdServer[] _frontends = [];
    private string _database = "";

    private IEnumerable<Uri> Urls => _ports.Select(port => new Uri($"http://127.0.0.1:{port}"));

    public async Task InitializeAsync()
    {
        _database = await postgres.CreateStoreAsync();
        _frontends = await Task.WhenAll(Enumerable.Range(0, 3).Select(StartAsync));
    }

    [Fact]
    public async Task Eighteen_clients_on_three_frontends_take_a_lock_in_turns_one_at_a_time_first_come_first_served()
    {
        ConcurrentQueue<long> order = new();
        List<LockingClient> clients = [.. Enumerable.Range(0, 18).Select(number => new LockingClient(number, Urls))];
        await Task.WhenAll(clients.Select(client => client.RunAsync(turns: 10, order))).WaitAsync(Limit);

        (await clients[0].CountAsync()).ShouldBe(180);
        order.ShouldBeInOrder();
        order.Count.ShouldBe(180);
        await new LogTable(_database).ShouldBeWellFormedAsync();
        await DisposeAsync(clients);
    }

    [Fact]
    public async Task Clients_of_a_repeatedly_killed_frontend_keep_their_places_elsewhere()
    {
        ConcurrentQueue<long> order = new();
        List<LockingClient> clients = [.. Enumerable.Range(0, 12).Select(number => new LockingClient(number, Urls))];
        Task working = Task.WhenAll(clients.Select(client => client.RunAsync(turns: 20, order)));
        for (int killed = 0; killed < 3 && !working.IsCompleted; killed++)
        {
            int before = order.Count;
            await Eventually.TrueAsync(() => order.Count >= before + 20 || working.IsCompleted, Limit, "the lock goes round");
            await _frontends[killed].Kill9Async();
            await _frontends[killed].DisposeAsync();
            _frontends[killed] = await StartAsync(killed);
        }

        await working.WaitAsync(Limit);
        (await clients[0].CountAsync()).ShouldBe(240);
        order.ShouldBeInOrder();
        await new LogTable(_database).ShouldBeWellFormedAsync();
        await DisposeAsync(clients);
    }

    [Fact]
    public async Task When_the_lease_of_a_dead_holder_ends_a_client_waiting_at_another_frontend_gets_the_lock()
    {
        Stopwatch since = Stopwatch.StartNew();
        GrpcChannel dying = new(_frontends[0].ClientUrl);
        await dying.LockAsync("one", await dying.GrantAsync(2));
        await using GrpcChannel waiting = new(_frontends[1].ClientUrl);
        Task<LockResponse> next = waiting.LockAsync("one", await waiting.GrantAsync(600));
        await dying.DisposeAsync();

        await next.WaitAsync(Limit);
        since.Elapsed.TotalSeconds.ShouldBeInRange(2, 60);
    }

    [Fact]
    public async Task A_broken_connection_leaves_no_key_of_a_waiting_client()
    {
        await using GrpcChannel holding = new(_frontends[1].ClientUrl);
        await holding.LockAsync("one", await holding.GrantAsync(600, id: 1));
        TcpProxy network = new(_ports[0]);
        await using GrpcChannel channel = new(new Uri($"http://127.0.0.1:{network.Port}"));
        Task<LockResponse> waiting = channel.LockAsync("one", await channel.GrantAsync(600, id: 2));
        await ContendAsync(holding, 2);

        await network.DisposeAsync();
        await Should.ThrowAsync<RpcException>(waiting.WaitAsync(Limit));
        await ContendAsync(holding, 1);
    }

    [Fact]
    public async Task Each_hand_over_wakes_only_the_next_of_a_thousand_waiting_clients()
    {
        const int Waiters = 1000;
        const int HandOvers = 200;
        GrpcChannel[] channels = [.. Urls.Select(url => new GrpcChannel(url))];
        await channels[0].LockAsync("one", await channels[0].GrantAsync(600, id: 1));
        ConcurrentQueue<long> held = new();
        using CancellationTokenSource patience = new();
        Task[] waiting = new Task[Waiters];
        for (int i = 0; i < Waiters; i++)
        {
            long lease = i + 2;
            GrpcChannel channel = channels[i % 3];
            await channel.GrantAsync(600, lease);
            waiting[i] = channel.LockAsync("one", lease, cancellationToken: patience.Token).ContinueWith(
                answer => held.Enqueue(answer.IsCompletedSuccessfully ? lease : -1), TaskScheduler.Default);
            if (i % 50 == 49)
            {
                await ContendAsync(channels[0], i + 2);
            }
        }

        await ContendAsync(channels[0], Waiters + 1);
        List<long> order = [.. (await ContendersAsync(channels[0])).OrderBy(kv => kv.CreateRevision).Select(kv => kv.Lease)];
        TimeSpan[] before = CpuTimes();
        Stopwatch since = Stopwatch.StartNew();
        for (int i = 0; i < HandOvers; i++)
        {
            await channels[i % 3].UnlockAsync(Google.Protobuf.ByteString.CopyFromUtf8($"one/{order[i]:x}"));
            int expected = i + 1;
            await Eventually.TrueAsync(() => held.Count >= expected, Limit, $"the lock is handed over for the {expected}th time");
            held.Count.ShouldBe(expected);
        }

        held.ShouldBe(order.Skip(1).Take(HandOvers));
        // If all were woken each time, each would search a thousand keys for its predecessor, a thousand times: 200 ms.
        TimeSpan used = TimeSpan.FromTicks(CpuTimes().Zip(before).Sum(times => (times.First - times.Second).Ticks));
        (used / HandOvers).TotalMilliseconds.ShouldBeLessThan(60, $"{since.Elapsed.TotalMilliseconds / HandOvers:0.0} ms a hand-over");
        // All the others cancel at once, and leave nothing.
        await patience.CancelAsync();
        await Task.WhenAll(waiting).WaitAsync(Limit);
        await ContendAsync(channels[0], 1);
        await DisposeAsync(channels);
    }

    [Fact]
    public async Task Observers_on_every_frontend_see_each_leader_once_and_in_order()
    {
        const int Leaders = 30;
        GrpcChannel[] channels = [.. Urls.Select(url => new GrpcChannel(url))];
        using CancellationTokenSource done = new(Limit);
        await using GrpcChannel first = new(_frontends[0].ClientUrl);
        CampaignResponse leader = await first.CampaignAsync("el", "first", await first.GrantAsync(600));
        List<string>[] seen = [[], [], []];
        Task[] observing = [.. channels.Select((channel, i) => ObserveAsync(channel, seen[i], done.Token))];
        await Eventually.TrueAsync(() => seen.All(leaders => leaders.Count == 1), Limit, "all observe");
        Task[] campaigns = [.. Enumerable.Range(0, Leaders).Select(number => LeadAsync(channels[number % 3], number))];
        await Eventually.TrueAsync(async () => (await ContendersAsync(first, "el")).Count == Leaders + 1, Limit, "all are candidates");
        List<string> expected = [
            .. (await ContendersAsync(first, "el")).OrderBy(kv => kv.CreateRevision).Select(kv => kv.Value.ToStringUtf8())];
        await first.ResignAsync(leader.Leader); // they lead and resign one by one, as fast as they can
        await Task.WhenAll(campaigns).WaitAsync(Limit);
        await first.CampaignAsync("el", "last", await first.GrantAsync(600));

        await Task.WhenAll(observing);
        foreach (List<string> leaders in seen)
        {
            leaders.ShouldBe([.. expected, "last"]);
        }

        await DisposeAsync(channels);
    }

    public async Task DisposeAsync() => await DisposeAsync(_frontends);

    private Task<PgEtcdServer> StartAsync(int number) =>
        PgEtcdServer.StartAsync(_database, name: $"frontend{number}", port: _ports[number]);

    private static async Task LeadAsync(GrpcChannel channel, int number)
    {
        CampaignResponse elected = await channel.CampaignAsync("el", $"candidate {number}", await channel.GrantAsync(600));
        await channel.ResignAsync(elected.Leader);
    }

    /// <summary>Collects the values that an observer sees, up to "last".</summary>
    private static async Task ObserveAsync(GrpcChannel channel, List<string> seen, CancellationToken done)
    {
        await foreach (LeaderResponse leader in channel.ObserveAsync("el", done))
        {
            seen.Add(leader.Kv.Value.ToStringUtf8());
            if (seen[^1] == "last")
            {
                break;
            }
        }
    }

    private static async Task<IReadOnlyList<Protocol.Mvccpb.KeyValue>> ContendersAsync(GrpcChannel channel, string name = "one") =>
        (await channel.UnaryAsync<Protocol.Etcdserverpb.RangeRequest, Protocol.Etcdserverpb.RangeResponse>(
            "etcdserverpb.KV/Range", new Protocol.Etcdserverpb.RangeRequest
            {
                Key = Google.Protobuf.ByteString.CopyFromUtf8($"{name}/"),
                RangeEnd = Google.Protobuf.ByteString.CopyFromUtf8($"{name}0"),
            })).Kvs;

    private static Task ContendAsync(GrpcChannel channel, int count) => Eventually.TrueAsync(
        async () => (await ContendersAsync(channel)).Count == count, Limit, $"{count} contend");

    private TimeSpan[] CpuTimes() => [.. _frontends.Select(frontend =>
    {
        using Process process = Process.GetProcessById(frontend.Pid);
        return process.TotalProcessorTime;
    })];

    private static async Task DisposeAsync(IEnumerable<IAsyncDisposable> all)
    {
        foreach (IAsyncDisposable one in all)
        {
            await one.DisposeAsync();
        }
    }
}
