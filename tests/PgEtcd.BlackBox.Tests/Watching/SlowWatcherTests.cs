using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Watching;

/// <summary>A client that does not read for a while: it may get events late but must not lose any, and must not delay others.</summary>
public sealed class SlowWatcherTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private const int MiB = 1024 * 1024;

    private WatchedServer _server = null!;

    public async Task InitializeAsync() => _server = await WatchedServer.StartAsync(postgres);

    [Fact]
    [Trait("issue", "etcd#17529")]
    public async Task Hundreds_of_watches_with_previous_values_on_a_starved_stream_lose_nothing()
    {
        WatchCreateRequest[] watches = [
            .. Enumerable.Range(0, 200).Select(_ => new WatchCreateRequest(WatchCall.Key("hot", 2)) { PrevKv = true })];
        await using WatchCall call = _server.Open();
        Dictionary<long, WatchRecord> records = await WatchedServer.CreateAsync(call, watches);
        for (int i = 0; i < 40; i++)
        {
            await _server.Kv.PutAsync("hot", $"{i} {new string('v', 6000)}");
        }

        await _server.ShouldHaveSeenAsync(call, watches, records); // some 100 MB
    }

    [Fact]
    public async Task A_client_that_does_not_read_costs_little_memory_and_delays_no_other()
    {
        const int Puts = 1600;
        WatchCreateRequest[] slow = [new WatchCreateRequest(WatchCall.Prefix("big/", 2)) { PrevKv = true }, WatchCall.All(2)];
        await using WatchCall starved = _server.Open();
        Dictionary<long, WatchRecord> starvedRecords = await WatchedServer.CreateAsync(starved, slow);
        WatchCreateRequest[] prompt = [WatchCall.All(2)];
        await using WatchCall reading = _server.Open();
        Dictionary<long, WatchRecord> promptRecords = await WatchedServer.CreateAsync(reading, prompt);
        await WriteAsync(300);
        Task<bool> done = ReadAsync();
        long before = _server.Server.ResidentBytes;
        long most = 0;
        TimeSpan longest = TimeSpan.Zero;
        for (int i = 0; i < Puts / 50; i++)
        {
            await WriteAsync(50);
            long revision = await _server.Kv.PutAsync("probe", $"{i}");
            DateTime acknowledged = DateTime.UtcNow;
            await Eventually.TrueAsync(() => promptRecords[0].Next > revision, "the other watcher sees it");
            longest = TimeSpan.FromTicks(Math.Max(longest.Ticks, (DateTime.UtcNow - acknowledged).Ticks));
            most = Math.Max(most, _server.Server.ResidentBytes);
        }

        longest.ShouldBeLessThan(TimeSpan.FromSeconds(10)); // if it blocked others, this would never end
        ((most - before) / MiB).ShouldBeLessThan(130); // 160 MB were written; up to 4 may wait, recent events take 16, the rest is garbage
        await _server.Kv.PutAsync("end", "");
        (await done).ShouldBeTrue();
        await _server.ShouldHaveSeenAsync(starved, slow, starvedRecords);

        async Task<bool> ReadAsync()
        {
            await reading.ReadAsync(promptRecords, () => promptRecords[0].Events.Any(change => change.Key == "end"));
            return true;
        }
    }

    [Fact]
    public async Task A_client_that_never_reads_is_eventually_not_read_either()
    {
        byte[] request = GrpcFrame.Wrap(
            new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("a"), WatchId = 7 } }.ToByteArray());
        byte[] thousand = [.. Enumerable.Repeat(request, 1000).SelectMany(bytes => bytes)];
        await using GrpcChannel channel = new(_server.Server.ClientUrl);
        using GrpcRawCall call = channel.DuplexRaw("etcdserverpb.Watch/Watch");
        long before = _server.Server.ResidentBytes;
        int sent = 0;
        while (true)
        {
            Task write = call.WriteBytesAsync(thousand);
            if (await Task.WhenAny(write, Task.Delay(TimeSpan.FromSeconds(3))) != write)
            {
                break; // the windows are full: read requests take milliseconds, and unread ones give no answer
            }

            await write;
            (++sent).ShouldBeLessThan(1000, "a million requests were read without an answer being read");
        }

        ((_server.Server.ResidentBytes - before) / MiB).ShouldBeLessThan(60);
        await _server.Kv.PutAsync("a", "1");
    }

    [Fact]
    public async Task A_watcher_overtaken_by_another_frontends_compaction_is_cancelled_with_its_compact_revision()
    {
        await using WatchedServer other = await _server.AnotherAsync();
        await using WatchCall call = _server.Open();
        Dictionary<long, WatchRecord> records = await WatchedServer.CreateAsync(call, WatchCall.All(2));
        await WriteAsync(400);
        long revision = await other.Kv.RevisionAsync();
        await other.Kv.CompactAsync(revision);

        WatchResponse response;
        while (!(response = await call.NextAsync()).Canceled)
        {
            records[0].Add(response);
        }

        (response.CompactRevision, response.CancelReason, response.WatchId).ShouldBe((revision, "", 0));
        List<WatchedEvent> seen = records[0].Events;
        seen[^1].Revision.ShouldBeLessThan(revision - 1);
        seen.Select(change => change.Revision).ShouldBe(Enumerable.Range(2, seen.Count).Select(number => (long)number));
        foreach (WatchedServer server in new[] { _server, other })
        {
            await server.Kv.RevisionAsync(); // a watch is not a linearizable read and may come before the frontend hears of the compaction
            await using WatchCall again = server.Open();
            await again.CreatedAsync(WatchCall.All(revision - 1));
            WatchResponse cancelled = await again.NextAsync();
            (cancelled.Canceled, cancelled.CompactRevision, cancelled.Header.Revision).ShouldBe((true, revision, 0));
            await again.CreatedAsync(WatchCall.All(revision));
            (await again.NextAsync()).Events.ShouldHaveSingleItem().Kv.ModRevision.ShouldBe(revision);
        }
    }

    [Fact]
    [Trait("issue", "etcd#18089")]
    [Trait("issue", "etcd#19179")]
    public async Task A_delete_at_the_compact_revision_is_replayed_from_memory_and_from_the_log()
    {
        await _server.Kv.PutAsync("a", "1");
        await _server.Kv.PutAsync("b", "1");
        long deleted = (await _server.Kv.SendAsync(Kv.Txn(Kv.Op(Kv.Delete("a")), Kv.Op(Kv.Put("b", "2"))))).Header.Revision;
        await _server.Kv.CompactAsync(deleted);
        await _server.Kv.PutAsync("c", "1");
        await using WatchedServer other = await _server.AnotherAsync();
        foreach (WatchedServer server in new[] { _server, other })
        {
            await using WatchCall call = server.Open();
            await call.CreatedAsync(new WatchCreateRequest(WatchCall.All(deleted)) { PrevKv = true });
            List<WatchedEvent> events = [];
            while (events.Count < 3)
            {
                events.AddRange((await call.NextAsync()).Events.Select(WatchedEvent.From));
            }

            events.ShouldBe([
                new WatchedEvent(deleted, "a", null, 0, 0, null),
                new WatchedEvent(deleted, "b", "2", 3, 2, null), // the previous value was removed
                new WatchedEvent(deleted + 1, "c", "1", deleted + 1, 1, null),
            ]);
        }
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    /// <summary>Overwrites a few keys with 100 kB each.</summary>
    private Task WriteAsync(int puts) => Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
    {
        for (int i = 0; i < puts / 4; i++)
        {
            await _server.Kv.PutAsync($"big/{writer}", $"{i} {new string('v', 100_000)}");
        }
    }));
}
