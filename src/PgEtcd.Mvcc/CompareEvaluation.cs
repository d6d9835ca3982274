using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;

namespace PgEtcd.Mvcc;

/// <summary>The guards of a transaction (semantics.md §5).</summary>
internal static class CompareEvaluation
{
    /// <summary>
    /// Decides the transaction and those nested in the branches that will run, and appends the decisions in the order of evaluation.
    /// All are made on the state before the transaction: nested guards do not see its writes.
    /// </summary>
    public static void Decide(KeyView keys, TxnOperation txn, List<bool> decisions)
    {
        bool holds = true;
        for (int i = 0; holds && i < txn.Compares.Length; i++)
        {
            holds = Holds(keys, txn.Compares[i]);
        }

        decisions.Add(holds);
        foreach (Operation? operation in holds ? txn.Success : txn.Failure)
        {
            if (operation is TxnOperation nested)
            {
                Decide(keys, nested, decisions);
            }
        }
    }

    private static bool Holds(KeyView keys, Compare compare)
    {
        if (compare.RangeEnd.IsEmpty)
        {
            return Holds(keys.Find(compare.Key.Span), compare);
        }

        bool any = false;
        foreach (KeyRecord record in keys.Scan(compare.Range))
        {
            any = true;
            if (!Holds(record, compare))
            {
                return false;
            }
        }

        // An empty range is compared as one missing key.
        return any || Holds((KeyRecord?)null, compare);
    }

    private static bool Holds(KeyRecord? record, Compare compare)
    {
        // A missing key has no value, so no compare of it holds, not even "not equal".
        if (record is null && compare.Target == CompareTarget.Value)
        {
            return false;
        }

        int order = compare.Target switch
        {
            CompareTarget.Version => (record?.Version ?? 0).CompareTo(compare.Number),
            CompareTarget.Create => (record?.CreateRevision ?? 0).CompareTo(compare.Number),
            CompareTarget.Mod => (record?.ModRevision ?? 0).CompareTo(compare.Number),
            CompareTarget.Lease => (record?.Lease ?? 0).CompareTo(compare.Number),
            CompareTarget.Value => record!.Value.SequenceCompareTo(compare.Value.Span),
            _ => 0,
        };
        return compare.Result switch
        {
            CompareResult.Equal => order == 0,
            CompareResult.NotEqual => order != 0,
            CompareResult.Greater => order > 0,
            CompareResult.Less => order < 0,
            _ => true,
        };
    }
}
