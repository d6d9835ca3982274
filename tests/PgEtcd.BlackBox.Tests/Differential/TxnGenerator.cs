using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using static PgEtcd.Protocol.Etcdserverpb.Compare.Types;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>Random transactions, nested up to three deep, legal or not.</summary>
internal sealed class TxnGenerator(Random random, KeyPool keys, RequestGenerator requests)
{
    private const int Deepest = 3;

    public TxnRequest Next()
    {
        TxnRequest txn = requests.Maybe(2) ? TooLong() : Txn(1);
        if (HasOpenDelete(txn))
        {
            NeverIgnore(txn);
        }

        return txn;
    }

    private TxnRequest Txn(int depth)
    {
        TxnRequest txn = new();
        for (int i = random.Next(3); i > 0; i--)
        {
            txn.Compare.Add(Comparison());
        }

        for (int i = random.Next(4); i > 0; i--)
        {
            txn.Success.Add(Operation(depth));
        }

        for (int i = random.Next(3); i > 0; i--)
        {
            txn.Failure.Add(Operation(depth));
        }

        return txn;
    }

    /// <summary>Around the limit of 128 operations.</summary>
    private TxnRequest TooLong()
    {
        TxnRequest txn = new();
        int count = random.Next(126, 131);
        for (int i = 0; i < count; i++)
        {
            txn.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = keys.Key() } });
        }

        return txn;
    }

    private RequestOp Operation(int depth) => random.Next(100) switch
    {
        < 45 => new RequestOp { RequestPut = requests.Put() },
        < 70 => new RequestOp { RequestRange = requests.Range() },
        < 85 => new RequestOp { RequestDeleteRange = requests.Delete() },
        < 99 when depth < Deepest => new RequestOp { RequestTxn = Txn(depth + 1) },
        < 99 => new RequestOp { RequestRange = requests.Range() },
        _ => new RequestOp(),
    };

    private Compare Comparison()
    {
        Compare compare = new()
        {
            Key = requests.Maybe(1) ? ByteString.Empty : keys.Key(),
            // Unknown values are not refused.
            Result = (CompareResult)(requests.Maybe(3) ? 9 : random.Next(4)),
            Target = (CompareTarget)(requests.Maybe(3) ? 9 : random.Next(5)),
        };
        if (requests.Maybe(25))
        {
            (compare.Key, compare.RangeEnd) = keys.Range();
        }

        int operand = requests.Maybe(90) ? (int)compare.Target : random.Next(6);
        switch (operand)
        {
            case 0:
                compare.Version = random.Next(4);
                break;
            case 1:
                compare.CreateRevision = requests.Maybe(40) ? 0 : requests.Bound();
                break;
            case 2:
                compare.ModRevision = requests.Maybe(30) ? 0 : requests.Bound();
                break;
            case 3:
                compare.Value = requests.Value();
                break;
            case 4:
                compare.Lease = requests.Lease();
                break;
            default:
                // The operand stays unset.
                break;
        }

        return compare;
    }

    private static bool HasOpenDelete(TxnRequest txn) => txn.Success.Concat(txn.Failure).Any(op =>
        op.RequestDeleteRange?.RangeEnd == KeyPool.OpenEnd || (op.RequestTxn is { } nested && HasOpenDelete(nested)));

    private static void NeverIgnore(TxnRequest txn)
    {
        foreach (RequestOp op in txn.Success.Concat(txn.Failure))
        {
            if (op.RequestPut is { } put)
            {
                put.IgnoreValue = put.IgnoreLease = false;
            }

            if (op.RequestTxn is { } nested)
            {
                NeverIgnore(nested);
            }
        }
    }
}
