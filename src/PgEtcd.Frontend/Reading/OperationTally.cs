using System.Diagnostics.Metrics;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Frontend.Reading;

/// <summary>Counts the operations of a batch by kind, as etcd counts them.</summary>
internal struct OperationTally
{
    private static readonly Counter<long> Puts = FrontendMeter.Meter.Counter(
        "etcd_mvcc_put_total", "Total number of puts seen by this member.");

    private static readonly Counter<long> Deletes = FrontendMeter.Meter.Counter(
        "etcd_mvcc_delete_total", "Total number of deletes seen by this member.");

    private static readonly Counter<long> Txns = FrontendMeter.Meter.Counter(
        "etcd_mvcc_txn_total", "Total number of txns seen by this member.");

    internal static readonly Counter<long> Ranges = FrontendMeter.Meter.Counter(
        "etcd_mvcc_range_total", "Total number of ranges seen by this member.");

    private int _puts;
    private int _deletes;
    private int _txns;
    private int _ranges;

    public void Add(OperationResult result)
    {
        switch (result)
        {
            case PutResult:
                _puts++;
                break;
            case DeleteRangeResult:
                _deletes++;
                break;
            case RangeResult:
                _ranges++;
                break;
            case TxnResult txn:
                // As in etcd, a transaction of one operation counts as that operation only.
                _txns += txn.Results.Length > 1 ? 1 : 0;
                foreach (OperationResult inner in txn.Results)
                {
                    Add(inner);
                }

                break;
        }
    }

    public readonly void Report()
    {
        Report(Puts, _puts);
        Report(Deletes, _deletes);
        Report(Txns, _txns);
        Report(Ranges, _ranges);
    }

    private static void Report(Counter<long> counter, int count)
    {
        if (count > 0)
        {
            counter.Add(count);
        }
    }
}
