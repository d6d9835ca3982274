using Google.Protobuf;
using PgEtcd.Api.Wire;
using PgEtcd.Mvcc;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;
using Compare = PgEtcd.Mvcc.Compare;
using WireCompare = PgEtcd.Protocol.Etcdserverpb.Compare;
using WireTarget = PgEtcd.Protocol.Etcdserverpb.Compare.Types.CompareTarget;

namespace PgEtcd.Api.Tests.Wire;

/// <summary>Every field arrives. The counts of fields fail when a message gets a new one.</summary>
public class KvRequestsTests
{
    [Fact]
    public void A_range_arrives_whole()
    {
        RangeRequest.Descriptor.Fields.InDeclarationOrder().Count.ShouldBe(13);
        RangeOperation range = new RangeRequest
        {
            Key = Utf8("k"),
            RangeEnd = Utf8("l"),
            Limit = 3,
            Revision = 1L << 40,
            SortOrder = RangeRequest.Types.SortOrder.Descend,
            SortTarget = RangeRequest.Types.SortTarget.Value,
            MinModRevision = 5,
            MaxModRevision = 6,
            MinCreateRevision = 7,
            MaxCreateRevision = -8,
        }.ToOperation();

        Text(range.Key).ShouldBe("k");
        Text(range.RangeEnd).ShouldBe("l");
        (range.Limit, range.Revision).ShouldBe((3, 1L << 40));
        (range.SortOrder, range.SortTarget).ShouldBe((SortOrder.Descend, SortTarget.Value));
        (range.MinModRevision, range.MaxModRevision, range.MinCreateRevision, range.MaxCreateRevision).ShouldBe((5, 6, 7, -8));
        (range.Serializable, range.KeysOnly, range.CountOnly).ShouldBe((false, false, false));
        new RangeRequest { Serializable = true }.ToOperation().Serializable.ShouldBeTrue();
        new RangeRequest { KeysOnly = true }.ToOperation().KeysOnly.ShouldBeTrue();
        new RangeRequest { CountOnly = true }.ToOperation().CountOnly.ShouldBeTrue();
    }

    [Fact]
    public void Unknown_sort_orders_are_kept()
    {
        RangeOperation range = new RangeRequest
        {
            SortOrder = (RangeRequest.Types.SortOrder)7,
            SortTarget = (RangeRequest.Types.SortTarget)(-1),
        }.ToOperation();

        ((int)range.SortOrder, (int)range.SortTarget).ShouldBe((7, -1));
    }

    [Fact]
    public void A_put_arrives_whole()
    {
        PutRequest.Descriptor.Fields.InDeclarationOrder().Count.ShouldBe(6);
        PutOperation put = new PutRequest { Key = Utf8("k"), Value = Utf8("v"), Lease = -9 }.ToOperation();

        (Text(put.Key), Text(put.Value), put.Lease).ShouldBe(("k", "v", -9));
        (put.PrevKv, put.IgnoreValue, put.IgnoreLease).ShouldBe((false, false, false));
        new PutRequest { PrevKv = true }.ToOperation().PrevKv.ShouldBeTrue();
        new PutRequest { IgnoreValue = true }.ToOperation().IgnoreValue.ShouldBeTrue();
        new PutRequest { IgnoreLease = true }.ToOperation().IgnoreLease.ShouldBeTrue();
    }

    [Fact]
    public void A_delete_arrives_whole()
    {
        DeleteRangeRequest.Descriptor.Fields.InDeclarationOrder().Count.ShouldBe(3);
        DeleteRangeOperation delete = new DeleteRangeRequest { Key = Utf8("k"), RangeEnd = Utf8("l") }.ToOperation();

        (Text(delete.Key), Text(delete.RangeEnd), delete.PrevKv).ShouldBe(("k", "l", false));
        new DeleteRangeRequest { PrevKv = true }.ToOperation().PrevKv.ShouldBeTrue();
    }

    [Fact]
    public void A_transaction_arrives_whole_and_in_order()
    {
        TxnRequest.Descriptor.Fields.InDeclarationOrder().Count.ShouldBe(3);
        RequestOp.Descriptor.Fields.InDeclarationOrder().Count.ShouldBe(4);
        TxnRequest inner = new() { Failure = { new RequestOp() } };
        TxnRequest request = new()
        {
            Compare = { new WireCompare { Key = Utf8("1") }, new WireCompare { Key = Utf8("2") } },
            Success =
            {
                new RequestOp { RequestRange = new RangeRequest { Key = Utf8("r") } },
                new RequestOp { RequestPut = new PutRequest { Key = Utf8("p") } },
                new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Utf8("d") } },
                new RequestOp { RequestTxn = inner },
                new RequestOp(),
            },
            Failure = { new RequestOp { RequestPut = new PutRequest { Key = Utf8("f") } } },
        };

        TxnOperation txn = request.ToOperation();

        txn.Compares.Select(compare => Text(compare.Key)).ShouldBe(["1", "2"]);
        txn.Success.Length.ShouldBe(5);
        Text(txn.Success[0].ShouldBeOfType<RangeOperation>().Key).ShouldBe("r");
        Text(txn.Success[1].ShouldBeOfType<PutOperation>().Key).ShouldBe("p");
        Text(txn.Success[2].ShouldBeOfType<DeleteRangeOperation>().Key).ShouldBe("d");
        txn.Success[3].ShouldBeOfType<TxnOperation>().Failure.ShouldHaveSingleItem().ShouldBeNull();
        txn.Success[4].ShouldBeNull();
        Text(txn.Failure.ShouldHaveSingleItem().ShouldBeOfType<PutOperation>().Key).ShouldBe("f");
    }

    [Fact]
    public void A_compare_arrives_whole()
    {
        WireCompare.Descriptor.Fields.InDeclarationOrder().Count.ShouldBe(9);
        Compare compare = Read(new WireCompare
        {
            Key = Utf8("k"),
            RangeEnd = Utf8("l"),
            Result = WireCompare.Types.CompareResult.NotEqual,
            Target = WireTarget.Lease,
            Lease = -4,
        });

        (Text(compare.Key), Text(compare.RangeEnd)).ShouldBe(("k", "l"));
        (compare.Result, compare.Target, compare.Number, compare.Value.Length).ShouldBe(
            (CompareResult.NotEqual, CompareTarget.Lease, -4, 0));
        Compare unknown = Read(new WireCompare { Result = (WireCompare.Types.CompareResult)9, Target = (WireTarget)8 });
        ((int)unknown.Result, (int)unknown.Target).ShouldBe((9, 8));
    }

    [Fact]
    public void An_operand_counts_only_if_it_belongs_to_the_target()
    {
        (WireTarget Target, Action<WireCompare> Set)[] operands =
        [
            (WireTarget.Version, c => c.Version = 11), (WireTarget.Create, c => c.CreateRevision = 12),
            (WireTarget.Mod, c => c.ModRevision = 13), (WireTarget.Value, c => c.Value = Utf8("v")), (WireTarget.Lease, c => c.Lease = 15),
        ];
        foreach (WireTarget target in (WireTarget[])[.. operands.Select(operand => operand.Target), (WireTarget)77])
        {
            for (int set = 0; set < operands.Length; set++)
            {
                WireCompare request = new() { Target = target };
                operands[set].Set(request);
                Compare compare = Read(request);

                bool matches = operands[set].Target == target;
                compare.Number.ShouldBe(matches && target != WireTarget.Value ? 11 + set : 0);
                Text(compare.Value).ShouldBe(matches && target == WireTarget.Value ? "v" : "");
            }
        }
    }

    private static Compare Read(WireCompare compare) =>
        new TxnRequest { Compare = { compare } }.ToOperation().Compares.ShouldHaveSingleItem();

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes.Span);
}
