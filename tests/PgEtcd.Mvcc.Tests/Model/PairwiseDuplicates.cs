namespace PgEtcd.Mvcc.Tests.Model;

/// <summary>The duplicate-key rule by comparing every pair of operations and their positions in the transaction.</summary>
internal static class PairwiseDuplicates
{
    public static bool Exist(TxnOperation txn)
    {
        List<Placed> all = [];
        Collect(txn, [], all);
        return all.Any(a => all.Any(b => !ReferenceEquals(a, b) && Conflict(a, b)));
    }

    private static void Collect(TxnOperation txn, (object Branch, int Index)[] path, List<Placed> all)
    {
        foreach (IReadOnlyList<Operation?> branch in new[] { txn.Success, txn.Failure })
        {
            object identity = new();
            for (int i = 0; i < branch.Count; i++)
            {
                (object, int)[] here = [.. path, (identity, i)];
                if (branch[i] is TxnOperation nested)
                {
                    Collect(nested, here, all);
                }
                else
                {
                    all.Add(new Placed(branch[i]!, here));
                }
            }
        }
    }

    private static bool Conflict(Placed put, Placed other)
    {
        if (put.Operation is not PutOperation { Key: var key })
        {
            return false;
        }

        int depth = 0;
        while (put.Path[depth] == other.Path[depth])
        {
            depth++;
        }

        // Then and else of one transaction: only one of the two will run.
        if (put.Path[depth].Branch != other.Path[depth].Branch)
        {
            return false;
        }

        if (other.Operation is PutOperation second)
        {
            return Text.Of(key) == Text.Of(second.Key);
        }

        if (other.Operation is not DeleteRangeOperation delete || Text.Of(delete.RangeEnd) == "\0")
        {
            return false;
        }

        bool bothNested = depth < put.Path.Length - 1 && depth < other.Path.Length - 1;
        bool seen = !bothNested || other.Path[depth].Index < put.Path[depth].Index;
        return seen && NaiveRules.InRange(Text.Of(key), delete.Key, delete.RangeEnd);
    }

    private sealed record Placed(Operation Operation, (object Branch, int Index)[] Path);
}
