using Google.Protobuf;
using PgEtcd.Api.Wire;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Wire;

public class ProtoWriterTests
{
    public static TheoryData<ulong> Edges
    {
        get
        {
            TheoryData<ulong> edges = [0, ulong.MaxValue];
            for (int bit = 0; bit < 64; bit++)
            {
                edges.Add(1UL << bit);
                edges.Add((1UL << bit) - 1);
            }

            return edges;
        }
    }

    [Theory]
    [MemberData(nameof(Edges))]
    public void A_number_has_the_size_that_protobuf_computes_and_reads_back(ulong value)
    {
        ProtoWriter.VarintSize(value).ShouldBe(CodedOutputStream.ComputeUInt64Size(value));
        CapturedMessage target = new(spare: 0);
        ProtoWriter writer = new(target);
        writer.Number(15, value);
        writer.Flush();

        byte[] bytes = target.Bytes;
        bytes.Length.ShouldBe(ProtoWriter.NumberSize(15, value));
        if (value == 0)
        {
            bytes.ShouldBeEmpty();
            return;
        }

        CodedInputStream input = new(bytes);
        input.ReadTag().ShouldBe(WireFormat.MakeTag(15, WireFormat.WireType.Varint));
        input.ReadUInt64().ShouldBe(value);
        input.IsAtEnd.ShouldBeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(19)]
    [InlineData(1000)]
    public void Pieces_stay_in_order_whatever_room_the_buffers_have(int spare)
    {
        CapturedMessage target = new(spare);
        ProtoWriter writer = new(target);
        writer.Raw([]);
        writer.Take(0).Length.ShouldBe(0);
        writer.Start(2, 0);
        writer.Start(3, 5);
        writer.Raw([1, 2]);
        writer.Raw([]);
        Span<byte> room = writer.Take(3);
        room.Length.ShouldBe(3);
        room.Fill(9);
        writer.Number(4, 300);
        writer.Flush();
        writer.Flush();
        writer.Number(1, 1);
        writer.Flush();

        target.Bytes.ShouldBe([0x12, 0, 0x1a, 5, 1, 2, 9, 9, 9, 0x20, 0xac, 0x02, 0x08, 1]);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(127, 129)]
    [InlineData(128, 131)]
    [InlineData(16384, 16388)]
    [InlineData(300 * 1024, (300 * 1024) + 4)]
    public void The_size_of_a_field_counts_tag_and_length(int length, int size) => ProtoWriter.BytesSize(length).ShouldBe(size);
}
