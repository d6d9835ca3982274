using Google.Protobuf;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>Well-formed messages that etcd refuses, and its error for each (errors.md).</summary>
/// <param name="Rpc">The method.</param>
/// <param name="Request">The message.</param>
/// <param name="Error">The expected error.</param>
internal sealed record BadRequest(string Rpc, IMessage Request, EtcdError Error)
{
    private const string RangeRpc = "etcdserverpb.KV/Range";
    private const string RangeStreamRpc = "etcdserverpb.KV/RangeStream";
    private const string PutRpc = "etcdserverpb.KV/Put";
    private const string DeleteRpc = "etcdserverpb.KV/DeleteRange";
    private const string TxnRpc = "etcdserverpb.KV/Txn";
    private const string CompactRpc = "etcdserverpb.KV/Compact";
    private const long NoLease = 987654321;

    /// <summary>The store has the key "a" from revision 2 on and is compacted at <see cref="BadInputServer.Compacted"/>.</summary>
    public static readonly IReadOnlyDictionary<string, BadRequest> All = new Dictionary<string, BadRequest>
    {
        ["empty key: Range"] = new(RangeRpc, Range(""), EtcdErrors.EmptyKey),
        ["empty key: Range to the end"] = new(RangeRpc, Range("", end: End), EtcdErrors.EmptyKey),
        ["empty key: RangeStream"] = new(RangeStreamRpc, Range(""), EtcdErrors.EmptyKey),
        ["empty key: Put"] = new(PutRpc, Put("", "v"), EtcdErrors.EmptyKey),
        ["empty key: DeleteRange"] = new(DeleteRpc, Delete("", End), EtcdErrors.EmptyKey),
        ["empty key: compare"] = new(TxnRpc, new TxnRequest { Compare = { new Compare() } }, EtcdErrors.EmptyKey),
        ["empty key: nested compare"] = new(TxnRpc, Txn(Op(new TxnRequest { Compare = { new Compare() } })), EtcdErrors.EmptyKey),
        ["empty key: put in a Txn"] = new(TxnRpc, Txn(Op(Put("ok")), Op(Put(""))), EtcdErrors.EmptyKey),
        ["empty key: range in a Txn"] = new(TxnRpc, Txn(Op(Range(""))), EtcdErrors.EmptyKey),
        ["empty key: delete in a Txn"] = new(TxnRpc, Txn(Op(Delete(""))), EtcdErrors.EmptyKey),
        ["empty key: nested put"] = new(TxnRpc, Txn(Op(Txn(Op(Txn(Op(Put(""))))))), EtcdErrors.EmptyKey),
        ["empty key: branch that does not run"] = new(TxnRpc, new TxnRequest { Failure = { Op(Put("")) } }, EtcdErrors.EmptyKey),

        ["129 compares"] = new(TxnRpc, new TxnRequest { Compare = { Many(129, new Compare { Key = Bytes("a") }) } }, EtcdErrors.TooManyOps),
        ["129 operations"] = new(TxnRpc, Txn([.. Many(129, Op(Range("a")))]), EtcdErrors.TooManyOps),
        ["129 operations that would not run"] = new(
            TxnRpc, new TxnRequest { Failure = { Many(129, Op(Range("a"))) } }, EtcdErrors.TooManyOps),
        ["nested: 100 and 29"] = new(TxnRpc, Nested(100, 29), EtcdErrors.TooManyOps),
        ["nested: 60, 60 and 9"] = new(TxnRpc, Txn([Op(Nested(60, 9)), .. Many(59, Op(Range("a")))]), EtcdErrors.TooManyOps),
        ["too many operations before an empty key"] = new(TxnRpc, Txn([.. Many(129, Op(Put("")))]), EtcdErrors.TooManyOps),

        ["a key put twice"] = new(TxnRpc, Txn(Op(Put("k")), Op(Put("k"))), EtcdErrors.DuplicateKey),
        ["a key put and deleted"] = new(TxnRpc, Txn(Op(Put("k")), Op(Delete("k"))), EtcdErrors.DuplicateKey),
        ["a key put inside a deleted range"] = new(TxnRpc, Txn(Op(Delete("a", "z")), Op(Put("k"))), EtcdErrors.DuplicateKey),
        ["a key put again in a nested Txn"] = new(TxnRpc, Txn(Op(Put("k")), Op(Txn(Op(Put("k"))))), EtcdErrors.DuplicateKey),
        ["a key put twice in the branch that does not run"] =
            new(TxnRpc, new TxnRequest { Failure = { Op(Put("k")), Op(Put("k")) } }, EtcdErrors.DuplicateKey),

        ["future revision: Range"] = new(RangeRpc, Range("a", 1_000_000), EtcdErrors.FutureRev),
        ["future revision: serializable Range"] =
            new(RangeRpc, new RangeRequest { Key = Bytes("a"), Revision = 1_000_000, Serializable = true }, EtcdErrors.FutureRev),
        ["future revision: RangeStream"] = new(RangeStreamRpc, Range("a", 1_000_000), EtcdErrors.FutureRev),
        ["future revision: Txn"] = new(TxnRpc, Txn(Op(Put("k")), Op(Range("a", 1_000_000))), EtcdErrors.FutureRev),
        ["future revision: read-only Txn"] = new(TxnRpc, Txn(Op(Range("a", 1_000_000))), EtcdErrors.FutureRev),
        ["future revision: Compact"] = new(CompactRpc, new CompactionRequest { Revision = 1_000_000 }, EtcdErrors.FutureRev),
        ["compacted revision: Range"] = new(RangeRpc, Range("a", BadInputServer.Compacted - 1), EtcdErrors.Compacted),
        ["compacted revision: RangeStream"] = new(RangeStreamRpc, Range("a", BadInputServer.Compacted - 1), EtcdErrors.Compacted),
        ["compacted revision: Txn"] = new(TxnRpc, Txn(Op(Put("k")), Op(Range("a", 1))), EtcdErrors.Compacted),
        ["compacted revision: Compact"] = new(
            CompactRpc, new CompactionRequest { Revision = BadInputServer.Compacted }, EtcdErrors.Compacted),
        ["revision 0: Compact"] = new(CompactRpc, new CompactionRequest(), EtcdErrors.Compacted),

        ["unknown lease: Put"] = new(PutRpc, Put("k", "v", NoLease), EtcdErrors.LeaseNotFound),
        ["unknown lease: Txn"] = new(TxnRpc, Txn(Op(Put("j")), Op(Put("k", "v", NoLease))), EtcdErrors.LeaseNotFound),
        ["unknown lease: nested Txn"] = new(TxnRpc, Txn(Op(Put("j")), Op(Txn(Op(Put("k", "v", NoLease))))), EtcdErrors.LeaseNotFound),
        ["unknown lease, negative"] = new(PutRpc, Put("k", "v", -1), EtcdErrors.LeaseNotFound),
        ["unknown lease and missing key: the lease is looked up first"] =
            new(PutRpc, new PutRequest { Key = Bytes("k"), Lease = NoLease, IgnoreValue = true }, EtcdErrors.LeaseNotFound),
        ["unknown lease and ignore_lease: fields are checked first"] =
            new(PutRpc, new PutRequest { Key = Bytes("k"), Lease = NoLease, IgnoreLease = true }, EtcdErrors.LeaseProvided),
        ["unknown lease and empty key: fields are checked first"] = new(PutRpc, Put("", "v", NoLease), EtcdErrors.EmptyKey),
        ["unknown lease: LeaseRevoke"] =
            new("etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = NoLease }, EtcdErrors.LeaseNotFound),
        ["too long a lease"] =
            new("etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = 9_000_000_001 }, EtcdErrors.LeaseTTLTooLarge),

        ["ignore_value with a value"] = new(
            PutRpc, new PutRequest { Key = Bytes("a"), Value = Bytes("v"), IgnoreValue = true }, EtcdErrors.ValueProvided),
        ["ignore_value of a missing key"] = new(
            PutRpc, new PutRequest { Key = Bytes("missing"), IgnoreValue = true }, EtcdErrors.KeyNotFound),
        ["unknown sort order"] = new(RangeRpc, Sorted(order: 3), EtcdErrors.InvalidSortOption),
        ["unknown sort target"] = new(RangeRpc, Sorted(target: 5), EtcdErrors.InvalidSortOption),
        ["negative sort target"] = new(RangeRpc, Sorted(target: -1), EtcdErrors.InvalidSortOption),
        ["unknown sort order in a Txn"] = new(TxnRpc, Txn(Op(Put("k")), Op(Sorted(order: 9))), EtcdErrors.InvalidSortOption),
        ["unset operation"] = new(TxnRpc, Txn(Op(Put("k")), new RequestOp()), EtcdErrors.KeyNotFound),
        ["unset nested operation"] = new(TxnRpc, Txn(Op(Txn(new RequestOp()))), EtcdErrors.KeyNotFound),
    };

    private static IEnumerable<T> Many<T>(int count, T what) => Enumerable.Repeat(what, count);

    /// <summary>A transaction with this number of operations, the last of which is a transaction with as many.</summary>
    private static TxnRequest Nested(int outer, int inner) =>
        Txn([.. Many(outer - 1, Op(Range("a"))), Op(Txn([.. Many(inner, Op(Range("a")))]))]);

    private static RangeRequest Sorted(int order = 0, int target = 0) => new()
    {
        Key = Bytes("a"),
        SortOrder = (RangeRequest.Types.SortOrder)order,
        SortTarget = (RangeRequest.Types.SortTarget)target,
    };
}
