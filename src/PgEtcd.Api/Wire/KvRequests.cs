using Google.Protobuf;
using Google.Protobuf.Collections;
using PgEtcd.Mvcc;
using PgEtcd.Protocol.Etcdserverpb;
using Compare = PgEtcd.Mvcc.Compare;
using SortOrder = PgEtcd.Mvcc.SortOrder;
using SortTarget = PgEtcd.Mvcc.SortTarget;
using TargetUnion = PgEtcd.Protocol.Etcdserverpb.Compare.TargetUnionOneofCase;
using WireCompare = PgEtcd.Protocol.Etcdserverpb.Compare;

namespace PgEtcd.Api.Wire;

/// <summary>Requests as plain values. Bytes are not copied: protobuf's are immutable.</summary>
internal static class KvRequests
{
    public static RangeOperation ToOperation(this RangeRequest request) => new()
    {
        Key = request.Key.Memory,
        RangeEnd = request.RangeEnd.Memory,
        Limit = request.Limit,
        Revision = request.Revision,
        SortOrder = (SortOrder)request.SortOrder,
        SortTarget = (SortTarget)request.SortTarget,
        Serializable = request.Serializable,
        KeysOnly = request.KeysOnly,
        CountOnly = request.CountOnly,
        MinModRevision = request.MinModRevision,
        MaxModRevision = request.MaxModRevision,
        MinCreateRevision = request.MinCreateRevision,
        MaxCreateRevision = request.MaxCreateRevision,
    };

    public static PutOperation ToOperation(this PutRequest request) => new()
    {
        Key = request.Key.Memory,
        Value = request.Value.Memory,
        Lease = request.Lease,
        PrevKv = request.PrevKv,
        IgnoreValue = request.IgnoreValue,
        IgnoreLease = request.IgnoreLease,
    };

    public static DeleteRangeOperation ToOperation(this DeleteRangeRequest request) => new()
    {
        Key = request.Key.Memory,
        RangeEnd = request.RangeEnd.Memory,
        PrevKv = request.PrevKv,
    };

    public static TxnOperation ToOperation(this TxnRequest request) => new()
    {
        Compares = [.. request.Compare.Select(ToCompare)],
        Success = ToOperations(request.Success),
        Failure = ToOperations(request.Failure),
    };

    private static Operation?[] ToOperations(RepeatedField<RequestOp> requests)
    {
        Operation?[] operations = new Operation?[requests.Count];
        for (int i = 0; i < operations.Length; i++)
        {
            RequestOp request = requests[i];
            operations[i] = request.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestRange => request.RequestRange.ToOperation(),
                RequestOp.RequestOneofCase.RequestPut => request.RequestPut.ToOperation(),
                RequestOp.RequestOneofCase.RequestDeleteRange => request.RequestDeleteRange.ToOperation(),
                RequestOp.RequestOneofCase.RequestTxn => request.RequestTxn.ToOperation(),
                _ => null,
            };
        }

        return operations;
    }

    private static Compare ToCompare(WireCompare compare) => new()
    {
        Result = (CompareResult)compare.Result,
        Target = (CompareTarget)compare.Target,
        Key = compare.Key.Memory,
        RangeEnd = compare.RangeEnd.Memory,
        // An operand that does not match the target counts as 0 or empty (semantics.md §5).
        Number = (compare.Target, compare.TargetUnionCase) switch
        {
            (WireCompare.Types.CompareTarget.Version, TargetUnion.Version) => compare.Version,
            (WireCompare.Types.CompareTarget.Create, TargetUnion.CreateRevision) => compare.CreateRevision,
            (WireCompare.Types.CompareTarget.Mod, TargetUnion.ModRevision) => compare.ModRevision,
            (WireCompare.Types.CompareTarget.Lease, TargetUnion.Lease) => compare.Lease,
            _ => 0,
        },
        Value = compare is { Target: WireCompare.Types.CompareTarget.Value, TargetUnionCase: TargetUnion.Value }
            ? compare.Value.Memory
            : ByteString.Empty.Memory,
    };
}
