using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Members;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Wire;

public class KvReplyTests
{
    private static readonly ClusterIdentity Identity = new(0x8e9e05c52164694d, 0xcdf818194e3a8c32);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_answer_is_the_message_built_by_hand_byte_for_byte(int seed)
    {
        RandomResults results = new(new Random(seed));
        for (int i = 0; i < 8; i++)
        {
            (RangeResult range, RangeResponse rangeMessage) = results.Range();
            Check(range, rangeMessage, RangeResponse.Parser, rangeMessage.Header, seed);
            (PutResult put, PutResponse putMessage) = results.Put();
            Check(put, putMessage, PutResponse.Parser, putMessage.Header, seed);
            (DeleteRangeResult delete, DeleteRangeResponse deleteMessage) = results.DeleteRange();
            Check(delete, deleteMessage, DeleteRangeResponse.Parser, deleteMessage.Header, seed);
            (TxnResult txn, TxnResponse txnMessage) = results.Txn();
            Check(txn, txnMessage, TxnResponse.Parser, txnMessage.Header, seed);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_piece_of_a_stream_is_the_range_in_field_one_with_or_without_a_header(int seed)
    {
        RandomResults results = new(new Random(seed));
        for (int i = 0; i < 8; i++)
        {
            (RangeResult range, RangeResponse message) = results.Range();
            ResponseHeaders headers = new(Identity, 3);
            bool hasHeader = i % 2 == 0;
            message.Header = hasHeader ? headers.At(range.Revision) : null;

            CapturedMessage written = CapturedMessage.Of(
                KvReply.StreamMarshaller, new KvReply(headers, range) { HasHeader = hasHeader }, spare: seed % 7);

            Check(written, new RangeStreamResponse { RangeResponse = message }, RangeStreamResponse.Parser);
            CheckPieces(KvReply.StreamMarshaller, new KvReply(headers, range) { HasHeader = hasHeader }, written.Bytes, seed % 7);
        }
    }

    [Fact]
    public void An_empty_answer_is_its_header()
    {
        ResponseHeaders headers = new(new ClusterIdentity(0, 0), 0);

        CapturedMessage written = CapturedMessage.Of(KvReply.Marshaller, new KvReply(headers, new PutResult(0, null)), spare: 0);

        Check(written, new PutResponse { Header = new ResponseHeader() }, PutResponse.Parser);
        written.Bytes.ShouldBe([0x0a, 0x00]);
    }

    /// <summary>Fault A4: sizes were added up in 32 bits.</summary>
    [Theory]
    [InlineData(128)]
    [InlineData(250)] // overflows to a positive number
    public void An_answer_that_is_larger_than_a_message_can_be_is_refused_before_its_first_byte(int ranges)
    {
        KeyRecord record = new("k"u8, new byte[20_000_000], 2, 2, 0, 1, 0);
        TxnResult result = new(
            7, Succeeded: true, [.. Enumerable.Repeat(new RangeResult(7, [record], 1, More: false, KeysOnly: false), ranges)]);
        KvReply reply = new(new ResponseHeaders(Identity, 1), result);

        foreach (Marshaller<KvReply> marshaller in (Marshaller<KvReply>[])[KvReply.Marshaller, KvReply.StreamMarshaller])
        {
            Status status = Should.Throw<RpcException>(() => CapturedMessage.Of(marshaller, reply, spare: 0)).Status;
            status.StatusCode.ShouldBe(StatusCode.ResourceExhausted);
            status.Detail.ShouldBe($"grpc: trying to send message larger than max ({reply.Size} vs. 2147483647)");
        }

        reply.Size.ShouldBeGreaterThan(ranges * 20_000_000L);
    }

    [Fact]
    public void Records_that_fit_share_a_piece_and_one_that_does_not_is_cut()
    {
        KeyRecord[] records = [
            .. ((int[])[30_000, 30_000, 30_000, 150_000, 10]).Select(length => new KeyRecord("k"u8, new byte[length], 2, 2, 0, 1, 0))];
        KvReply reply = new(new ResponseHeaders(Identity, 1), new RangeResult(7, records, 5, More: false, KeysOnly: false));
        int encoded = records[3].Encoded.Length;
        KvReply.Marshaller.Pieces(reply, new CapturedMessage(spare: 0))
            .ShouldBe(
                [2 * records[0].Encoded.Length, records[2].Encoded.Length, 65_536, 65_536, encoded - 131_072, records[4].Encoded.Length]);
    }

    [Fact]
    public void A_nested_transaction_has_a_header_with_nothing_in_it()
    {
        TxnResult result = new(7, Succeeded: true, [new TxnResult(0, Succeeded: false, [])]);

        CapturedMessage written = CapturedMessage.Of(KvReply.Marshaller, new KvReply(new ResponseHeaders(Identity, 1), result), spare: 0);

        TxnResponse read = TxnResponse.Parser.ParseFrom(written.Bytes);
        read.Responses.ShouldHaveSingleItem().ResponseTxn.Header.ShouldBe(new ResponseHeader());
    }

    private static void Check<T>(OperationResult result, T message, MessageParser<T> parser, ResponseHeader header, int seed)
        where T : IMessage<T>
    {
        ResponseHeaders headers = new(Identity, (ulong)seed << (seed % 50));
        header.MergeFrom(headers.At(0));
        CapturedMessage written = CapturedMessage.Of(KvReply.Marshaller, new KvReply(headers, result), spare: seed % 30);
        Check(written, message, parser);
        CheckPieces(KvReply.Marshaller, new KvReply(headers, result), written.Bytes, seed % 30);
    }

    /// <summary>Fault A4: a message written in pieces is the same message, and each piece is limited.</summary>
    private static void CheckPieces(LongMarshaller<KvReply> marshaller, KvReply reply, byte[] whole, int spare)
    {
        marshaller.Size(reply).ShouldBe(whole.Length);
        CapturedMessage written = new(spare);
        int before = 0;
        foreach (int piece in marshaller.Pieces(reply, written))
        {
            piece.ShouldBeLessThanOrEqualTo(Pieces.Size);
            written.Length.ShouldBeGreaterThanOrEqualTo(before + piece);
            written.Length.ShouldBeLessThan(before + piece + 1000, "only the bytes around records are not counted");
            before = written.Length;
        }

        written.Length.ShouldBeLessThan(before + 100);
        written.Bytes.AsSpan().SequenceEqual(whole).ShouldBeTrue();
    }

    private static void Check<T>(CapturedMessage written, T message, MessageParser<T> parser)
        where T : IMessage<T>
    {
        byte[] bytes = written.Bytes;
        written.IsComplete.ShouldBeTrue();
        written.Announced.ShouldBe(bytes.Length);
        parser.ParseFrom(bytes).Equals(message).ShouldBeTrue();
        bytes.AsSpan().SequenceEqual(message.ToByteArray()).ShouldBeTrue();
    }
}
