using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Watching;

/// <summary>Watch streams: many watches on one, ids, endings.</summary>
public sealed class WatchStreamTests(WatchStreamTests.Lasting shared, PostgresFixture postgres) : IClassFixture<WatchStreamTests.Lasting>,
IClassFixture<PostgresFixture>
{
    /// <summary>Less than the thirty seconds of a stop that is held up, and more than the delay of a busy machine.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private readonly WatchedServer _server = shared.Server;

    [Fact]
    public async Task Two_thousand_watches_on_one_stream_get_ids_in_order_and_only_their_own_events()
    {
        const int Count = 2000;
        await using WatchCall call = _server.Open();
        Task creating = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                await call.CreateAsync(WatchCall.Key($"own/{i:000000}"));
            }
        });
        for (int id = 0; id < Count; id++)
        {
            WatchResponse created = await call.NextAsync();
            (created.Created, created.WatchId).ShouldBe((true, id));
        }

        await creating;
        await _server.FillAsync("own/", Count, valueBytes: 10);
        List<WatchResponse> events = await ResponsesAsync(call, Count);
        events.Select(response => response.WatchId).Order().ShouldBe(Enumerable.Range(0, Count).Select(id => (long)id));
        events.ShouldAllBe(
            response => response.Events.Count == 1 && response.Events[0].Kv.Key.ToStringUtf8() == $"own/{response.WatchId:000000}");

        for (int id = 0; id < Count; id += 2)
        {
            await call.CancelAsync(id);
            WatchResponse cancelled = await call.NextAsync();
            (cancelled.Canceled, cancelled.WatchId, cancelled.CompactRevision).ShouldBe((true, id, 0));
        }

        await _server.FillAsync("own/", Count, valueBytes: 10);
        (await ResponsesAsync(call, Count / 2)).ShouldAllBe(response => response.WatchId % 2 == 1);
        (await call.CreatedAsync(WatchCall.Key("next"))).WatchId.ShouldBe(Count);
    }

    [Fact]
    public async Task Keys_with_a_zero_byte_and_the_empty_key_are_watched_like_others()
    {
        ByteString zeros = ByteString.CopyFrom(0, (byte)'a', 0);
        long start = await _server.Kv.RevisionAsync() + 1;
        await using WatchCall call = _server.Open();
        await call.CreatedAsync(new WatchCreateRequest { Key = zeros });
        await call.CreatedAsync(new WatchCreateRequest { RangeEnd = WatchCall.End }); // the empty key to the end: every key
        await _server.Kv.SendAsync(new PutRequest { Key = ByteString.CopyFrom(0, (byte)'a') });
        await _server.Kv.SendAsync(new PutRequest { Key = zeros, Value = zeros });
        await _server.Kv.SendAsync(new PutRequest { Key = ByteString.CopyFrom(0) });

        ILookup<long, ByteString> keys = (await ResponsesAsync(call, 4)).ToLookup(
            response => response.WatchId, response => response.Events.Single().Kv.Key);
        keys[0].ShouldBe([zeros]);
        keys[1].ShouldBe([ByteString.CopyFrom(0, (byte)'a'), zeros, ByteString.CopyFrom(0)]);
        await _server.ShouldReplayAsync(new WatchCreateRequest { Key = zeros, StartRevision = start }, WatchCall.All(start));
    }

    [Fact]
    public async Task A_half_closed_stream_still_gets_events()
    {
        await using WatchCall call = _server.Open();
        await call.CreatedAsync(WatchCall.All());
        await call.Call.CompleteAsync();
        for (int i = 0; i < 3; i++)
        {
            long revision = await _server.Kv.PutAsync("a", $"{i}");
            (await call.NextAsync()).Events.ShouldHaveSingleItem().Kv.ModRevision.ShouldBe(revision);
        }
    }

    [Fact]
    [Trait("issue", "etcd#20221")]
    public async Task A_slow_stream_shows_no_event_from_before_a_start_in_the_future()
    {
        const int Big = 200_000;
        const int Puts = 100; // more than the stream's queue and the connection hold
        long now = await _server.Kv.PutAsync("a");
        long start = now + Puts - 10;
        await using WatchCall call = _server.Open();
        WatchCreateRequest[] watches = [
            WatchCall.All(now), WatchCall.All(start), WatchCall.Prefix("a", start + 5), WatchCall.All(start + 1000)];
        foreach (WatchCreateRequest watch in watches)
        {
            watch.PrevKv = true;
            watch.ProgressNotify = true;
        }

        Dictionary<long, WatchRecord> records = await WatchedServer.CreateAsync(call, watches);
        for (int i = 0; i < Puts; i++)
        {
            await _server.Kv.PutAsync("a", new string('v', Big));
        }

        await call.ProgressAsync(); // no answer yet, as one watch has not started
        LoggedHistory history = await LoggedHistory.ReadAsync(_server.Database);
        int[] expected = [.. watches.Select(watch => history.Of(watch).Count)];
        expected.ShouldBe([Puts + 1, 11, 6, 0]);
        await call.ReadAsync(records, () => records.All(record => record.Value.Count >= expected[record.Key]));
        for (int id = 0; id < watches.Length; id++)
        {
            WatchedEvent.Difference(history.Of(watches[id]), records[id].Events).ShouldBeNull();
            records[id].Promised.ShouldBe(0);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stopping_server_ends_streams_at_once_whether_the_client_reads_or_not(bool reads)
    {
        await using WatchedServer server = await WatchedServer.StartAsync(postgres);
        await using WatchCall call = server.Open();
        await call.CreatedAsync(WatchCall.All());
        if (!reads)
        {
            for (int i = 0; i < 60; i++)
            {
                await server.Kv.PutAsync("big", new string('v', 500_000));
            }
        }

        DateTime asked = DateTime.UtcNow;
        server.Server.Process.Signal(UnixSignal.Terminate);
        if (reads)
        {
            RpcException error = await Should.ThrowAsync<RpcException>(call.NextAsync);
            error.ShouldBeStopped();
            (DateTime.UtcNow - asked).ShouldBeLessThan(Soon);
        }

        (await server.Server.Process.WaitForExitAsync()).ShouldBe(0);
        (DateTime.UtcNow - asked).ShouldBeLessThan(Soon);
    }

    private static async Task<List<WatchResponse>> ResponsesAsync(WatchCall call, int count)
    {
        List<WatchResponse> responses = [];
        while (responses.Count < count)
        {
            responses.Add(await call.NextAsync());
        }

        return responses;
    }

    /// <summary>A server for tests that do not stop it; they count revisions from the present one.</summary>
    public sealed class Lasting : IAsyncLifetime
    {
        internal WatchedServer Server { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            PostgresFixture postgres = new();
            await postgres.InitializeAsync();
            Server = await WatchedServer.StartAsync(postgres);
        }

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
