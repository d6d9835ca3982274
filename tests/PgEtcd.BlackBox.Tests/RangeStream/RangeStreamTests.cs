using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.RangeStream;

/// <summary>A range of 5,000 keys of 1 kB in pieces (semantics.md §2).</summary>
public sealed class RangeStreamTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private const int Keys = 5000;
    private const int PutsInOne = 100;
    private static readonly string Value = new('v', 1024);

    private string _database = "";
    private PgEtcdServer _server = null!;
    private Kv _kv = null!;
    private long _loaded;

    public async Task InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        await StartAsync();
        for (int first = 0; first < Keys; first += PutsInOne)
        {
            _loaded = (await _kv.SendAsync(Txn([.. Enumerable.Range(first, PutsInOne).Select(i => Op(Put(Key(i), Value)))]))).Header.Revision;
        }
    }

    [Fact]
    public async Task Many_keys_arrive_in_several_messages_of_which_the_last_alone_has_header_count_and_more()
    {
        List<RangeResponse> pieces = await ReadAsync(All());

        pieces.Count.ShouldBeGreaterThan(2);
        foreach (RangeResponse piece in pieces.SkipLast(1))
        {
            piece.ShouldSatisfyAllConditions(
                p => p.Header.ShouldBeNull(), p => p.Count.ShouldBe(0), p => p.More.ShouldBeFalse(), p => p.Kvs.ShouldNotBeEmpty());
            piece.CalculateSize().ShouldBeLessThan(4 * 1024 * 1024, "clients take 4 MB by default");
        }

        pieces[^1].ShouldSatisfyAllConditions(
            p => p.Header.Revision.ShouldBe(_loaded), p => p.Count.ShouldBe(Keys), p => p.More.ShouldBeFalse());
        pieces.SelectMany(piece => piece.Kvs).Select(kv => kv.Key.ToStringUtf8()).ShouldBe(Enumerable.Range(0, Keys).Select(Key));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(1234)]
    [InlineData(Keys)]
    [InlineData(Keys + 1)]
    public async Task A_limit_cuts_and_says_more(int limit)
    {
        RangeRequest request = All();
        request.Limit = limit;
        List<RangeResponse> pieces = await ReadAsync(request);

        pieces.Sum(piece => piece.Kvs.Count).ShouldBe(Math.Min(limit, Keys));
        pieces[^1].ShouldSatisfyAllConditions(p => p.Count.ShouldBe(Keys), p => p.More.ShouldBe(limit < Keys));
    }

    [Fact]
    public async Task A_mere_count_is_one_message_without_keys()
    {
        RangeRequest request = All();
        request.CountOnly = true;
        (await ReadAsync(request)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            p => p.Count.ShouldBe(Keys), p => p.Kvs.ShouldBeEmpty(), p => p.Header.Revision.ShouldBe(_loaded));
    }

    [Fact]
    public async Task Writes_that_go_on_meanwhile_are_not_seen()
    {
        List<RangeResponse> pieces = [];
        await foreach (RangeResponse piece in PiecesAsync(All()))
        {
            pieces.Add(piece);
            await _kv.PutAsync(Key(Keys - pieces.Count), "changed");
            await _kv.DeleteAsync(Key(Keys - 200 - pieces.Count));
            await _kv.PutAsync(Key(Keys - pieces.Count) + "/new", "new");
        }

        pieces.Count.ShouldBeGreaterThan(2);
        (await _kv.RevisionAsync()).ShouldBe(_loaded + (3 * pieces.Count));
        pieces[^1].ShouldSatisfyAllConditions(p => p.Header.Revision.ShouldBe(_loaded), p => p.Count.ShouldBe(Keys));
        List<Protocol.Mvccpb.KeyValue> all = [.. pieces.SelectMany(piece => piece.Kvs)];
        all.Select(kv => kv.Key.ToStringUtf8()).ShouldBe(Enumerable.Range(0, Keys).Select(Key));
        all.ShouldAllBe(kv => kv.ModRevision <= _loaded && kv.Value.Length == Value.Length);
    }

    [Fact]
    public async Task An_old_revision_comes_out_of_SQL_after_a_restart()
    {
        await _kv.DeleteAsync(Key(0), Key(Keys - 3));
        await _kv.PutAsync("other", "1");
        await DisposeAsync();
        await StartAsync();

        RangeRequest request = All();
        request.Revision = _loaded;
        List<RangeResponse> pieces = await ReadAsync(request);
        pieces.Count.ShouldBeGreaterThan(2);
        pieces.Sum(piece => piece.Kvs.Count).ShouldBe(Keys);
        pieces[^1].ShouldSatisfyAllConditions(p => p.Count.ShouldBe(Keys), p => p.Header.Revision.ShouldBe(_loaded + 2));
        (await ReadAsync(All()))[^1].Count.ShouldBe(3);
        await RefusedAsync(() => ReadAsync(Range("a", _loaded + 3)), EtcdErrors.FutureRev);
        await _kv.CompactAsync(_loaded + 1);
        await RefusedAsync(() => ReadAsync(request), EtcdErrors.Compacted);
    }

    [Fact]
    public async Task Clients_that_leave_half_way_leave_the_server_well()
    {
        for (int round = 0; round < 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => LeaveAsync()));
        }

        (await ReadAsync(All())).Sum(piece => piece.Kvs.Count).ShouldBe(Keys);
        (await _kv.PutAsync("after", "1")).ShouldBe(_loaded + 1);
        _server.Complaints.ShouldBeEmpty();
        _server.Output.ShouldNotContain("Exception");
    }

    public async Task DisposeAsync()
    {
        await _kv.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static string Key(int number) => $"stream/{number:000000}";

    private static RangeRequest All() => Range("stream/", end: "stream0");

    private async Task StartAsync()
    {
        _server = await PgEtcdServer.StartAsync(_database);
        _kv = Kv.To(_server);
    }

    private async Task LeaveAsync()
    {
        await foreach (RangeResponse piece in PiecesAsync(All()))
        {
            piece.Kvs.ShouldNotBeEmpty();
            break;
        }
    }

    private async Task<List<RangeResponse>> ReadAsync(RangeRequest request)
    {
        List<RangeResponse> pieces = [];
        await foreach (RangeResponse piece in PiecesAsync(request))
        {
            pieces.Add(piece);
        }

        return pieces;
    }

    private async IAsyncEnumerable<RangeResponse> PiecesAsync(RangeRequest request)
    {
        await foreach (RangeStreamResponse message in _kv.Channel.ServerStreamAsync<RangeRequest, RangeStreamResponse>(
            "etcdserverpb.KV/RangeStream", request, timeout: TimeSpan.FromSeconds(30)))
        {
            yield return message.RangeResponse;
        }
    }
}
