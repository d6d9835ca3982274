using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.RangeStream;

/// <summary>A range of 5,000 keys of 1 kB in several messages (semantics.md §2).</summary>
public sealed class RangeStreamTests(RangeStreamTests.Loaded one) : IClassFixture<RangeStreamTests.Loaded>
{
    private const string Prefix = "stream/";
    private const int Keys = 5000;
    private const int PutsInOne = 100;
    private static readonly string Value = new('v', 1024);

    private readonly Kv _kv = one.Kv;

    [Fact]
    public async Task Many_keys_arrive_in_several_messages_and_only_the_last_has_header_count_and_more()
    {
        long revision = await _kv.RevisionAsync();
        List<RangeResponse> pieces = await ReadAsync(All());

        pieces.Count.ShouldBeGreaterThan(2);
        foreach (RangeResponse piece in pieces.SkipLast(1))
        {
            piece.ShouldSatisfyAllConditions(
                p => p.Header.ShouldBeNull(), p => p.Count.ShouldBe(0), p => p.More.ShouldBeFalse(), p => p.Kvs.ShouldNotBeEmpty());
            piece.CalculateSize().ShouldBeLessThan(4 * 1024 * 1024, "clients take 4 MB by default");
        }

        pieces[^1].ShouldSatisfyAllConditions(
            p => p.Header.Revision.ShouldBe(revision), p => p.Count.ShouldBe(Keys), p => p.More.ShouldBeFalse());
        pieces.SelectMany(piece => piece.Kvs).Select(kv => kv.Key.ToStringUtf8()).ShouldBe(Enumerable.Range(0, Keys).Select(i => Key(i)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(1234)]
    [InlineData(Keys)]
    [InlineData(Keys + 1)]
    public async Task A_limit_cuts_the_range_and_sets_more(int limit)
    {
        RangeRequest request = All();
        request.Limit = limit;
        List<RangeResponse> pieces = await ReadAsync(request);

        pieces.Sum(piece => piece.Kvs.Count).ShouldBe(Math.Min(limit, Keys));
        pieces[^1].ShouldSatisfyAllConditions(p => p.Count.ShouldBe(Keys), p => p.More.ShouldBe(limit < Keys));
    }

    [Fact]
    public async Task A_count_is_one_message_without_keys()
    {
        RangeRequest request = All();
        request.CountOnly = true;
        long revision = await _kv.RevisionAsync();
        (await ReadAsync(request)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            p => p.Count.ShouldBe(Keys), p => p.Kvs.ShouldBeEmpty(), p => p.Header.Revision.ShouldBe(revision));
    }

    [Fact]
    public async Task Concurrent_writes_are_not_seen()
    {
        const string Own = "written/";
        long loaded = await LoadAsync(_kv, Own);
        List<RangeResponse> pieces = [];
        await foreach (RangeResponse piece in PiecesAsync(_kv, All(Own)))
        {
            pieces.Add(piece);
            await _kv.PutAsync(Key(Keys - pieces.Count, Own), "changed");
            await _kv.DeleteAsync(Key(Keys - 200 - pieces.Count, Own));
            await _kv.PutAsync(Key(Keys - pieces.Count, Own) + "/new", "new");
        }

        pieces.Count.ShouldBeGreaterThan(2);
        (await _kv.RevisionAsync()).ShouldBe(loaded + (3 * pieces.Count));
        pieces[^1].ShouldSatisfyAllConditions(p => p.Header.Revision.ShouldBe(loaded), p => p.Count.ShouldBe(Keys));
        List<Protocol.Mvccpb.KeyValue> all = [.. pieces.SelectMany(piece => piece.Kvs)];
        all.Select(kv => kv.Key.ToStringUtf8()).ShouldBe(Enumerable.Range(0, Keys).Select(i => Key(i, Own)));
        all.ShouldAllBe(kv => kv.ModRevision <= loaded && kv.Value.Length == Value.Length);
    }

    [Fact]
    public async Task A_frontend_started_later_reads_an_old_revision_from_SQL()
    {
        const string Own = "old/";
        long loaded = await LoadAsync(_kv, Own);
        await _kv.DeleteAsync(Key(0, Own), Key(Keys - 3, Own));
        await _kv.PutAsync("other", "1");
        await using PgEtcdServer later = await PgEtcdServer.StartAsync(one.Database, name: "later");
        await using Kv kv = new(later);

        RangeRequest request = All(Own);
        request.Revision = loaded;
        List<RangeResponse> pieces = await ReadAsync(kv, request);
        pieces.Count.ShouldBeGreaterThan(2);
        pieces.Sum(piece => piece.Kvs.Count).ShouldBe(Keys);
        pieces[^1].ShouldSatisfyAllConditions(p => p.Count.ShouldBe(Keys), p => p.Header.Revision.ShouldBe(loaded + 2));
        (await ReadAsync(kv, All(Own)))[^1].Count.ShouldBe(3);
        await RefusedAsync(() => ReadAsync(kv, Range("a", loaded + 3)), EtcdErrors.FutureRev);
        await kv.CompactAsync(loaded + 1);
        await RefusedAsync(() => ReadAsync(kv, request), EtcdErrors.Compacted);
    }

    [Fact]
    public async Task Clients_that_disconnect_midway_do_not_harm_the_server()
    {
        long before = await _kv.RevisionAsync();
        for (int round = 0; round < 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => LeaveAsync()));
        }

        (await ReadAsync(All())).Sum(piece => piece.Kvs.Count).ShouldBe(Keys);
        (await _kv.PutAsync("after", "1")).ShouldBe(before + 1);
        one.Server.Complaints.ShouldBeEmpty();
        one.Server.Output.ShouldNotContain("Exception");
    }

    private static string Key(int number, string prefix = Prefix) => $"{prefix}{number:000000}";

    private static RangeRequest All(string prefix = Prefix) => Range(prefix, end: prefix[..^1] + '0');

    /// <summary>Puts the keys and returns the revision of the last.</summary>
    private static async Task<long> LoadAsync(Kv kv, string prefix)
    {
        long revision = 0;
        for (int first = 0; first < Keys; first += PutsInOne)
        {
            TxnRequest puts = Txn([.. Enumerable.Range(first, PutsInOne).Select(i => Op(Put(Key(i, prefix), Value)))]);
            revision = (await kv.SendAsync(puts)).Header.Revision;
        }

        return revision;
    }

    private async Task LeaveAsync()
    {
        await foreach (RangeResponse piece in PiecesAsync(_kv, All()))
        {
            piece.Kvs.ShouldNotBeEmpty();
            break;
        }
    }

    private Task<List<RangeResponse>> ReadAsync(RangeRequest request) => ReadAsync(_kv, request);

    private static async Task<List<RangeResponse>> ReadAsync(Kv kv, RangeRequest request)
    {
        List<RangeResponse> pieces = [];
        await foreach (RangeResponse piece in PiecesAsync(kv, request))
        {
            pieces.Add(piece);
        }

        return pieces;
    }

    private static async IAsyncEnumerable<RangeResponse> PiecesAsync(Kv kv, RangeRequest request)
    {
        await foreach (RangeStreamResponse message in kv.Channel.ServerStreamAsync<RangeRequest, RangeStreamResponse>(
            "etcdserverpb.KV/RangeStream", request, timeout: TimeSpan.FromSeconds(30)))
        {
            yield return message.RangeResponse;
        }
    }

    /// <summary>A server with the keys.</summary>
    public sealed class Loaded : OneServer
    {
        protected override Task PrepareAsync() => LoadAsync(Kv, Prefix);
    }
}
