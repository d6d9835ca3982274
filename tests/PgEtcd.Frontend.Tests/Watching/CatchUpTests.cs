using Google.Protobuf;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.Mvccpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Watching;

/// <summary>Fault C21: how past events are cut into responses. With the values before and deletes they came to more than the 4 MB that
/// clients take, and a client that resumed got the same again.</summary>
public sealed class CatchUpTests
{
    private const int MostRevisions = 1000;

    public static TheoryData<int, bool> Seeds => new()
    {
        { 1, false }, { 1, true }, { 2, false }, { 2, true }, { 3, false }, { 3, true }, { 4, false }, { 4, true }, { 5, false },
        { 5, true },
    };

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_response_has_one_revision_or_at_most_a_mebibyte(int seed, bool withPrevious)
    {
        List<KvEvent> events = Events(new Random(seed));
        List<KvEvent[]> pieces = Pieces(events, withPrevious);

        pieces.SelectMany(piece => piece).ShouldBe(events);
        foreach (KvEvent[] piece in pieces)
        {
            int revisions = piece.Select(change => change.Revision).Distinct().Count();
            revisions.ShouldBeLessThanOrEqualTo(MostRevisions);
            if (revisions > 1)
            {
                ((long)Size(piece, withPrevious)).ShouldBeLessThanOrEqualTo(CatchUp.MaxBytes);
            }
        }

        foreach ((KvEvent[] piece, KvEvent[] next) in pieces.Zip(pieces.Skip(1)))
        {
            next[0].Revision.ShouldBeGreaterThan(piece[^1].Revision, "revisions are whole");
            KvEvent[] more = [.. piece, .. next.TakeWhile(change => change.Revision == next[0].Revision)];
            bool isFull = piece.Select(change => change.Revision).Distinct().Count() == MostRevisions;
            (isFull || Size(more, withPrevious) + (100 * more.Length) >= CatchUp.MaxBytes - 100).ShouldBeTrue("none is cut too early");
        }
    }

    [Fact]
    public void The_value_before_counts_for_puts_and_deletes_where_it_is_sent()
    {
        KeyRecord before = Changes.Put(1, valueBytes: 600_000).Record!;
        List<KvEvent> events = [Changes.Delete(2, previous: before), Changes.Put(3), Changes.Delete(4, previous: before), Changes.Put(5)];

        Pieces(events, withPrevious: false).Count.ShouldBe(1);
        Pieces(events, withPrevious: true).Select(piece => piece.Length).ShouldBe([2, 2]);
    }

    /// <summary>Fault A4: 1,450 keys of 1.5 MB are deleted in one revision. The sum is beyond 32 bits.</summary>
    [Fact]
    public void A_revision_of_more_than_two_gigabytes_is_a_piece_of_its_own()
    {
        KeyRecord before = Changes.Put(1, valueBytes: 1_500_000).Record!;
        List<KvEvent> events = [
            Changes.Put(2), .. Enumerable.Range(0, 1450).Select(sub => Changes.Delete(3, $"k{sub}", sub, before)), Changes.Put(4)];

        Pieces(events, withPrevious: true).Select(piece => piece.Length).ShouldBe([1, 1450, 1]);
        Pieces(events, withPrevious: false).Count.ShouldBe(1);
    }

    private static List<KvEvent[]> Pieces(List<KvEvent> events, bool withPrevious)
    {
        List<KvEvent[]> pieces = [];
        for (int first = 0, end; first < events.Count; first = end)
        {
            end = CatchUp.EndOfPiece(events, first, withPrevious);
            end.ShouldBeGreaterThan(first);
            pieces.Add([.. events[first..end]]);
        }

        return pieces;
    }

    /// <summary>Mostly small ones, some of up to etcd's largest request, and revisions of many keys.</summary>
    private static List<KvEvent> Events(Random random)
    {
        List<KvEvent> events = [];
        int largest = (int)Math.Pow(10, random.Next(2, 6));
        for (long revision = 2; revision < 4000; revision += random.Next(1, 3))
        {
            int changes = random.Next(20) == 0 ? random.Next(1, 30) : 1;
            for (int sub = 0; sub < changes; sub++)
            {
                string key = new('k', random.Next(1, 200));
                KeyRecord? previous = random.Next(2) == 0 ? Changes.Put(revision - 1, key, Bytes()).Record : null;
                events.Add(random.Next(3) == 0 ? Changes.Delete(revision, key, sub, previous) : Changes.Put(
                    revision, key, Bytes(), sub, previous));
            }
        }

        return events;

        int Bytes() => random.Next(200) == 0 ? random.Next(1_500_000) : random.Next(largest);
    }

    private static int Size(IEnumerable<KvEvent> events, bool withPrevious)
    {
        WatchResponse response = new()
        {
            Header = new ResponseHeader
            {
                ClusterId = ulong.MaxValue,
                MemberId = ulong.MaxValue,
                Revision = long.MaxValue,
                RaftTerm = ulong.MaxValue,
            },
            WatchId = -1,
            Fragment = true,
        };
        response.Events.AddRange(events.Select(change => new Event
        {
            Type = change.IsDelete ? Event.Types.EventType.Delete : Event.Types.EventType.Put,
            Kv = change.Record is { } record ? KeyValue.Parser.ParseFrom(record.Encoded.Span)
                : new KeyValue { Key = UnsafeByteOperations.UnsafeWrap(change.Key), ModRevision = change.Revision },
            PrevKv = withPrevious && change.Previous is { } previous ? KeyValue.Parser.ParseFrom(previous.Encoded.Span) : null,
        }));
        return response.CalculateSize();
    }
}
