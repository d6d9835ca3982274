using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Tests.Watching;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Wire;

public class WatchEncodingTests
{
    private const int Limit = 10_000;

    private static readonly ResponseHeaders Headers = new(new ClusterIdentity(1, 2), 3);
    private static readonly WatchEncoding Encoding = new(Headers);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 30)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_encoded_response_parses_to_its_message_and_has_the_announced_length(int seed)
    {
        Random random = new(seed);
        WatchUpdate reply = Changes.Update(Events(random)) with
        {
            WatchId = random.NextInt64(-1, 3),
            Created = random.Next(2) == 0,
            Canceled = random.Next(2) == 0,
            CompactRevision = random.Next(2) * 1000,
            CancelReason = random.Next(2) == 0 ? "" : "etcdserver: mvcc: required revision has been compacted",
            IsCut = random.Next(2) == 0,
            PreviousValues = random.Next(2) == 0,
        };
        WatchResponse message = Message(reply);

        message.Header.ShouldBe(Headers.At(reply.Revision));
        (message.WatchId, message.Created, message.Canceled, message.CompactRevision, message.CancelReason, message.Fragment).ShouldBe(
            (reply.WatchId, reply.Created, reply.Canceled, reply.CompactRevision, reply.CancelReason, reply.IsCut));
        message.Events.Select(Show).ShouldBe(reply.Events.Select(change => Show(change, reply.PreviousValues)));
        message.CalculateSize().ShouldBe(Encoding.Size(reply), "no field at its default is written");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Pieces_are_below_the_limit_in_order_and_together_the_whole(int seed)
    {
        Random random = new(seed);
        WatchUpdate whole = Changes.Update(Events(random)) with { PreviousValues = true, WatchId = 7 };
        WatchUpdate[] pieces = [.. Encoding.Cut(whole, Limit)];

        pieces.SelectMany(piece => piece.Events).ShouldBe(whole.Events);
        pieces.Select(piece => piece.IsCut).ShouldBe([.. Enumerable.Repeat(true, pieces.Length - 1), false]);
        pieces.ShouldAllBe(piece => piece.WatchId == 7 && piece.Revision == whole.Revision && piece.PreviousValues);
        foreach (WatchUpdate piece in pieces.Where(piece => piece.Events.Count > 1))
        {
            Message(piece).CalculateSize().ShouldBeLessThan(Limit);
        }

        (pieces.Length > 1).ShouldBe(Encoding.Size(whole) >= Limit && whole.Events.Count > 1);
    }

    [Fact]
    public void A_single_event_is_never_cut_and_travels_alone_when_too_large()
    {
        Encoding.Cut(Changes.Update(Changes.Put(2, valueBytes: 3 * Limit)), Limit).ShouldHaveSingleItem().IsCut.ShouldBeFalse();

        WatchUpdate mixed = Changes.Update(
            Changes.Put(2, "a"), Changes.Put(2, "b", 3 * Limit, 1), Changes.Put(2, "c", sub: 2), Changes.Delete(2, "d", 3));
        Encoding.Cut(mixed, Limit).Select(piece => (piece.Events.Count, piece.IsCut)).ShouldBe([(1, true), (1, true), (2, false)]);
    }

    /// <summary>Fault A4: as when 1,450 keys of 1.5 MB are deleted in one revision, and prev_kv is requested.</summary>
    [Fact]
    public void More_than_a_message_can_hold_is_cut_where_it_may_be_and_refused_where_not()
    {
        KeyRecord previous = Changes.Put(1, "k", 1_500_000).Record!;
        WatchUpdate all = Changes.Update([.. Enumerable.Range(0, 1450).Select(sub => Changes.Delete(2, $"k{sub}", sub, previous))])
            with
        { PreviousValues = true };

        WatchUpdate[] pieces = [.. Encoding.Cut(all, 2_000_000)];
        pieces.Length.ShouldBe(1450);
        pieces.ShouldAllBe(piece => Encoding.Size(piece) < 2_000_000);
        Should.Throw<Grpc.Core.RpcException>(() => Encoding.Size(all)).Status.StatusCode.ShouldBe(Grpc.Core.StatusCode.ResourceExhausted);
    }

    [Fact]
    public void A_response_is_cut_at_the_limit_but_not_below()
    {
        WatchUpdate reply = Changes.Update(Changes.Put(2, "a", 500), Changes.Put(2, "b", 500, 1));
        Encoding.Cut(reply, Encoding.Size(reply) + 1).Count().ShouldBe(1);
        Encoding.Cut(reply, Encoding.Size(reply)).Count().ShouldBe(2);
    }

    private static KvEvent[] Events(Random random) => [.. Enumerable.Range(0, random.Next(12)).Select(sub =>
    {
        KeyRecord? previous = random.Next(2) == 0 ? null : Changes.Put(1, "k", random.Next(3000)).Record;
        return random.Next(3) == 0
            ? Changes.Delete(2, $"k{sub}", sub, previous)
            : Changes.Put(2, $"k{sub}", random.Next(8) == 0 ? random.Next(2 * Limit) : random.Next(300), sub, previous);
    })];

    private static WatchResponse Message(WatchUpdate reply)
    {
        CapturedMessage written = CapturedMessage.Of(Encoding.Marshaller, reply, spare: 3);
        written.Bytes.Length.ShouldBe(written.Announced);
        CapturedMessage inPieces = new(spare: 3);
        Encoding.Marshaller.Pieces(reply, inPieces).ShouldAllBe(piece => piece < 2 * Pieces.Size);
        inPieces.Bytes.AsSpan().SequenceEqual(written.Bytes).ShouldBeTrue();
        return WatchResponse.Parser.ParseFrom(written.Bytes);
    }

    private static string Show(Protocol.Mvccpb.Event change) =>
        $"{change.Type} {change.Kv.Key.ToStringUtf8()} {change.Kv.ModRevision} v{change.Kv.Version} "
        + $"{change.Kv.Value.Length} before {change.PrevKv?.Value.Length}";

    private static string Show(KvEvent change, bool withPrevious) =>
        $"{(change.IsDelete ? "Delete" : "Put")} {System.Text.Encoding.UTF8.GetString(change.Key.Span)} {change.Revision} "
        + $"v{change.Record?.Version ?? 0} {change.Record?.Value.Length ?? 0} "
        + $"before {(withPrevious ? change.Previous?.Value.Length : null)}";
}
