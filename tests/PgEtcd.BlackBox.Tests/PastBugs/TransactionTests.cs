using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.PastBugs;

/// <summary>Transactions that etcd once answered wrongly, or that crashed it.</summary>
public sealed class TransactionTests(OneServer one) : IClassFixture<OneServer>
{
    private readonly Kv _kv = one.Kv;

    public static TheoryData<string> Reading => new(
        "alone", "after a put", "before a put", "nested", "nested twice", "in a failure branch");

    public static TheoryData<string> Panicking => new("ignore_value", "ignore_lease", "both", "nested");

    [Theory]
    [MemberData(nameof(Reading))]
    [Trait("issue", "etcd#18667")]
    public async Task A_transaction_that_reads_a_compacted_revision_fails_as_a_whole(string how)
    {
        await _kv.DeleteAsync(End, End);
        long old = await _kv.PutAsync("a", "1");
        await _kv.PutAsync("a", "2");
        long now = await _kv.PutAsync("b", "1");
        await _kv.CompactAsync(now);

        RequestOp read = Op(Range("a", old));
        RequestOp put = Op(Put("a", "3"));
        TxnRequest txn = how switch
        {
            "alone" => Txn(read),
            "after a put" => Txn(put, read),
            "before a put" => Txn(read, put),
            "nested" => Txn(put, Op(Txn(read))),
            "nested twice" => Txn(put, Op(Txn(Op(Delete("b")), Op(Txn(read))))),
            _ => new TxnRequest
            {
                Compare = { new Compare { Key = Bytes("a"), Target = Compare.Types.CompareTarget.Version, Version = 77 } },
                Failure = { put, read },
            },
        };
        await RefusedAsync(() => _kv.SendAsync(txn), EtcdErrors.Compacted);

        (await _kv.AllAsync()).ShouldBe(["a=2", "b=1"]);
        (await _kv.RevisionAsync()).ShouldBe(now);
    }

    [Theory]
    [MemberData(nameof(Panicking))]
    [Trait("issue", "etcd: a Txn that deletes to the end and puts a deleted key back")]
    public async Task A_transaction_that_needs_the_value_of_a_key_it_has_deleted_is_refused_and_the_server_survives(string how)
    {
        await _kv.DeleteAsync(End, End);
        await _kv.PutAsync("a", "1");
        long now = await _kv.PutAsync("b", "1");

        PutRequest put = new() { Key = Bytes("b"), IgnoreValue = how != "ignore_lease", IgnoreLease = how is "ignore_lease" or "both" };
        RequestOp delete = Op(Delete("a", End));
        TxnRequest txn = how == "nested" ? Txn(delete, Op(Txn(Op(put)))) : Txn(delete, Op(put));
        await RefusedAsync(() => _kv.SendAsync(txn), EtcdErrors.KeyNotFound);

        (await _kv.AllAsync()).ShouldBe(["a=1", "b=1"]);
        (await _kv.RevisionAsync()).ShouldBe(now);
        (await _kv.PutAsync("c", "1")).ShouldBe(now + 1);
        // The database holds the same: a frontend that starts now reads it.
        await using PgEtcdServer later = await PgEtcdServer.StartAsync(one.Database, name: "later");
        await using Kv there = new(later);
        (await there.AllAsync()).ShouldBe(["a=1", "b=1", "c=1"]);
        (await there.PutAsync("d", "1")).ShouldBe(now + 2);
    }
}
