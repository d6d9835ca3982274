using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;
using Filter = PgEtcd.Protocol.Etcdserverpb.WatchCreateRequest.Types.FilterType;

namespace PgEtcd.BlackBox.Tests.Watching;

/// <summary>Watches of every kind under many writes, compared with the table.</summary>
public sealed class WatchLoadTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private static readonly int[] Starts = [2, 100];
    private WatchedServer _server = null!;

    public async Task InitializeAsync() => _server = await WatchedServer.StartAsync(postgres);

    [Fact]
    [Trait("issue", "etcd#15220")]
    public async Task Progress_never_overtakes_an_event()
    {
        WatchCreateRequest[] watches = [WatchCall.All(2), WatchCall.Prefix("a/", 2), WatchCall.Key("b/001", 2)];
        await using WatchCall call = _server.Open();
        Dictionary<long, WatchRecord> records = await WatchedServer.CreateAsync(call, watches);
        Task writing = _server.WriteAsync(writers: 8, writes: 100);
        int progress = 0;
        while (!writing.IsCompleted)
        {
            // The records refuse an event that a progress response had ruled out.
            await call.ReadUpToAsync(records, await _server.Kv.RevisionAsync());
            progress++;
        }

        await writing;
        progress.ShouldBeGreaterThan(5);
        await _server.ShouldHaveSeenAsync(call, watches, records);
    }

    [Fact]
    public async Task Filters_previous_values_and_fragments_lose_nothing_under_load()
    {
        WatchCreateRequest[] watches =
        [
            .. from start in Starts
               from watch in new[] { WatchCall.All(start), WatchCall.Prefix("a/", start), WatchCall.Key("b/007", start) }
               from kind in Enumerable.Range(0, 5)
               select With(watch.Clone(), kind),
        ];
        await using WatchCall call = _server.Open();
        Task writing = _server.WriteAsync(writers: 8, writes: 60);
        Dictionary<long, WatchRecord> records = await WatchedServer.CreateAsync(call, watches);
        Task reading = call.ReadAsync(records, () => writing.IsCompleted);
        await writing;
        await _server.Kv.PutAsync("a/last", "wakes the reader");
        await reading;
        await _server.ShouldHaveSeenAsync(call, watches, records);
    }

    [Fact]
    public async Task Twenty_thousand_past_events_with_previous_values_are_replayed_from_memory_and_from_the_log()
    {
        await _server.WriteAsync(writers: 16, writes: 340, keys: 500);
        WatchCreateRequest previous = WatchCall.All(2);
        previous.PrevKv = true;
        WatchCreateRequest[] watches = [previous, With(WatchCall.Prefix("a/", 2), 1), WatchCall.Key("a/016", 500)];
        await _server.ShouldReplayAsync(watches);

        LoggedHistory history = await LoggedHistory.ReadAsync(_server.Database);
        history.Of(previous).Count.ShouldBeGreaterThan(20_000);
        await using WatchedServer other = await _server.AnotherAsync();
        await other.ShouldReplayAsync([.. watches, WatchCall.All(history.Head - 10), WatchCall.All(history.Head)]);
    }

    /// <summary>Fault C21: gRPC clients accept 4 MB by default.</summary>
    [Fact]
    public async Task A_client_limited_to_four_megabytes_catches_up_on_large_values()
    {
        foreach (int bytes in (int[])[1_400_000, 1_000_000, 1_400_000, 1_000_000])
        {
            await _server.Kv.SendAsync(new PutRequest { Key = Kv.Bytes("large"), Value = ByteString.CopyFrom(new byte[bytes]) });
        }

        await using WatchedServer other = await _server.AnotherAsync();
        foreach (WatchedServer server in new[] { _server, other })
        {
            foreach (bool isFragmented in (bool[])[false, true])
            {
                WatchCreateRequest watch = WatchCall.Key("large", 3);
                (watch.PrevKv, watch.Fragment) = (true, isFragmented);
                await using WatchCall call = server.Open();
                await call.CreateAsync(watch);
                List<WatchResponse> responses = await EventsAsync(call, 3);
                responses.Select(response => response.Events.Single().Kv.ModRevision).ShouldBe([3, 4, 5]);
                responses.ShouldAllBe(response => response.CalculateSize() < 4_000_000);
            }
        }
    }

    [Fact]
    public async Task A_revision_of_five_thousand_deletes_comes_in_one_response()
    {
        const int Count = 5000;
        await _server.FillAsync("many/", Count, valueBytes: 1000);
        WatchCreateRequest plain = WatchCall.Prefix("many/", await _server.Kv.RevisionAsync() + 1);
        WatchCreateRequest previous = plain.Clone();
        previous.PrevKv = true;
        WatchCreateRequest fragments = previous.Clone();
        fragments.Fragment = true;
        await using WatchCall live = _server.Open();
        foreach (WatchCreateRequest watch in new[] { plain, previous, fragments })
        {
            (await CreatedAsync(live, watch)).ShouldBeTrue();
        }

        await _server.Kv.DeleteAsync("many/", "many0");
        await CheckAsync(live);
        await using WatchedServer other = await _server.AnotherAsync();
        foreach (WatchedServer server in new[] { _server, other })
        {
            await using WatchCall replay = server.Open();
            foreach (WatchCreateRequest watch in new[] { plain, previous, fragments })
            {
                await replay.CreateAsync(watch);
            }

            await CheckAsync(replay);
        }

        async Task<bool> CreatedAsync(WatchCall call, WatchCreateRequest watch) => (await call.CreatedAsync(watch)).Created;

        static async Task CheckAsync(WatchCall call)
        {
            ILookup<long, WatchResponse> responses = (await EventsAsync(call, 3 * Count)).ToLookup(response => response.WatchId);
            responses[0].ShouldHaveSingleItem().Events.Count.ShouldBe(Count);
            responses[1].ShouldHaveSingleItem().Events.ShouldAllBe(change => change.PrevKv.Value.Length == 1000);
            WatchResponse[] pieces = [.. responses[2]];
            pieces.Length.ShouldBeInRange(3, 4); // 5 MB in pieces of 2 MiB
            pieces.ShouldAllBe(piece => piece.CalculateSize() < 2 * 1024 * 1024);
            pieces.Select(piece => piece.Fragment).ShouldBe([.. Enumerable.Repeat(true, pieces.Length - 1), false]);
            foreach (long id in new[] { 0, 1, 2 })
            {
                responses[id].SelectMany(response => response.Events).Select(change => change.Kv.Key.ToStringUtf8())
                    .ShouldBe(Enumerable.Range(0, Count).Select(number => $"many/{number:000000}"));
            }
        }
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private static async Task<List<WatchResponse>> EventsAsync(WatchCall call, int count)
    {
        List<WatchResponse> responses = [];
        for (int events = 0; events < count;)
        {
            WatchResponse response = await call.NextAsync();
            responses.Add(response);
            events += response.Events.Count;
        }

        return [.. responses.Where(response => !response.Created)];
    }

    private static WatchCreateRequest With(WatchCreateRequest watch, int kind)
    {
        watch.PrevKv = kind is 1 or 4;
        watch.Fragment = kind is 2 or 4;
        if (kind is 3 or 4)
        {
            watch.Filters.Add(kind == 3 ? Filter.Noput : Filter.Nodelete);
        }

        return watch;
    }
}
