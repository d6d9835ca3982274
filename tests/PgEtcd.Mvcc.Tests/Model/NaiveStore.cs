namespace PgEtcd.Mvcc.Tests.Model;

/// <summary>A change in the model's log; a null value is a delete. Keys and values are Latin-1 text.</summary>
internal sealed record Row(string Key, string? Value, long Create, long Mod, int Sub, long Version, long Lease);

/// <summary>
/// etcd's behaviour in the most naive form: a list of all changes, from which every answer is derived anew.
/// Answers are text, see <see cref="Text"/>.
/// </summary>
internal sealed class NaiveStore
{
    public List<Row> Log { get; } = [];

    public long Revision { get; private set; } = 1;

    public long Compacted { get; private set; } = -1;

    public HashSet<long> MissingLeases { get; } = [9];

    private int _changes;

    /// <summary>The keys as of a revision, everything up to it replayed.</summary>
    public List<Row> State(long revision)
    {
        SortedDictionary<string, Row> keys = new(StringComparer.Ordinal);
        foreach (Row row in Log.Where(row => row.Mod <= revision))
        {
            keys[row.Key] = row;
        }

        return [.. keys.Values.Where(row => row.Value is not null)];
    }

    public void Compact(long revision) => Compacted = revision;

    public string Evaluate(Operation operation)
    {
        int before = Log.Count;
        _changes = 0;
        try
        {
            string answer = operation switch
            {
                TxnOperation txn => Txn(txn),
                PutOperation put when MissingLeases.Contains(put.Lease) => throw new Refused(KvError.LeaseNotFound),
                RangeOperation { Revision: > 0 } range when Refusal(range) is { } error => throw new Refused(error),
                _ => Execute(operation),
            };
            Revision += _changes > 0 ? 1 : 0;
            return answer;
        }
        catch (Refused refused)
        {
            Log.RemoveRange(before, Log.Count - before);
            return refused.Error.ToString();
        }
    }

    private long Now => Revision + (_changes > 0 ? 1 : 0);

    private string Txn(TxnOperation txn)
    {
        List<Row> state = State(Revision);
        Dictionary<TxnOperation, bool> holds = new(ReferenceEqualityComparer.Instance);
        Decide(txn, state, holds);
        Check(txn, state, holds);
        string answer = ExecuteTxn(txn, holds);
        return $"{Now} {answer}";
    }

    private static void Decide(TxnOperation txn, List<Row> state, Dictionary<TxnOperation, bool> holds)
    {
        holds[txn] = txn.Compares.All(compare => NaiveRules.Holds(compare, state));
        foreach (TxnOperation nested in txn.Success.Concat(txn.Failure).OfType<TxnOperation>())
        {
            Decide(nested, state, holds);
        }
    }

    /// <summary>Checks the operations that will run, with nested transactions flattened, in order (fault C13).</summary>
    private void Check(TxnOperation txn, List<Row> state, Dictionary<TxnOperation, bool> holds)
    {
        foreach (Operation? operation in Running(txn, holds))
        {
            KvError? refusal = operation switch
            {
                RangeOperation range => Refusal(range),
                PutOperation { IgnoreLease: true } or PutOperation { IgnoreValue: true }
                    when state.All(row => row.Key != Text.Of(((PutOperation)operation).Key)) => KvError.KeyNotFound,
                PutOperation put when MissingLeases.Contains(put.Lease) => KvError.LeaseNotFound,
                _ => null,
            };
            if (refusal is { } error)
            {
                throw new Refused(error);
            }
        }
    }

    private static IEnumerable<Operation?> Running(TxnOperation txn, Dictionary<TxnOperation, bool> holds) =>
        (holds[txn] ? txn.Success : txn.Failure).SelectMany(operation =>
            operation is TxnOperation nested ? Running(nested, holds) : [operation]);

    private KvError? Refusal(RangeOperation range) =>
        range.Revision == 0 ? null
        : range.Revision > Revision ? KvError.FutureRevision
        : range.Revision < Compacted ? KvError.Compacted : null;

    private string ExecuteTxn(TxnOperation txn, Dictionary<TxnOperation, bool> holds)
    {
        IEnumerable<string> answers = (holds[txn] ? txn.Success : txn.Failure)
            .Select(operation => operation is TxnOperation nested ? "0 " + ExecuteTxn(nested, holds) : Execute(operation!));
        return $"txn {holds[txn]} [{string.Join("; ", answers)}]";
    }

    private string Execute(Operation operation)
    {
        switch (operation)
        {
            case RangeOperation range:
                return $"{Now} {NaiveRules.Range(range, State(range.Revision > 0 ? range.Revision : Now))}";
            case PutOperation put:
                return Put(put);
            case DeleteRangeOperation delete:
                List<Row> deleted = [.. State(Now).Where(row => NaiveRules.InRange(row.Key, delete.Key, delete.RangeEnd))];
                Delete(deleted);
                return $"{Now} delete {deleted.Count} {NaiveRules.List(delete.PrevKv ? deleted : [], keysOnly: false)}";
            case RevokeLeaseOperation revoke:
                List<Row> attached = [.. State(Now).Where(row => row.Lease == revoke.Lease)];
                Delete(attached);
                return $"{Now} delete {attached.Count} {NaiveRules.List([], keysOnly: false)}";
            default:
                throw new NotSupportedException();
        }
    }

    private string Put(PutOperation put)
    {
        string key = Text.Of(put.Key);
        Row? previous = State(Now).Find(row => row.Key == key);
        if (previous is null && (put.IgnoreLease || put.IgnoreValue))
        {
            throw new Refused(KvError.KeyNotFound);
        }

        Log.Add(new Row(
            key,
            put.IgnoreValue ? previous!.Value : Text.Of(put.Value),
            previous?.Create ?? Revision + 1,
            Revision + 1,
            _changes++,
            (previous?.Version ?? 0) + 1,
            put.IgnoreLease ? previous!.Lease : put.Lease));
        return $"{Now} put {(put.PrevKv && previous is not null ? NaiveRules.One(previous, keysOnly: false) : "-")}";
    }

    private void Delete(List<Row> rows)
    {
        foreach (Row row in rows)
        {
            Log.Add(new Row(row.Key, null, 0, Revision + 1, _changes++, 0, 0));
        }
    }

    private sealed class Refused(KvError error) : Exception
    {
        public KvError Error { get; } = error;
    }
}
