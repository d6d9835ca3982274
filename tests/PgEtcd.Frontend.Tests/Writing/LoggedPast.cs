using System.Collections.Immutable;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Revisions;
using Shouldly;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Writing;

/// <summary>The states that the log says there were.</summary>
internal sealed class LoggedPast : IHistory
{
    private readonly List<KeySpace> _states = [KeySpace.Empty, KeySpace.Empty]; // of no revision, and of 1

    private string[] _rows = [];

    public long Last => _states.Count - 1;

    public static async Task<LoggedPast> ReadAsync(StoreParts parts)
    {
        List<LogRow> rows = [];
        await parts.Log.TailAsync(1, rows.Add, CancellationToken.None);
        LoggedPast past = new() { _rows = [.. rows.Select(row => Row(row.Revision, row.Sub, row.Key, row.Value))] };
        foreach (IGrouping<long, LogRow> revision in rows.GroupBy(row => row.Revision))
        {
            revision.Key.ShouldBe(past.Last + 1);
            past._states.Add(Replica.After(past._states[^1], [.. revision]));
        }

        return past;
    }

    /// <summary>Whether the operation, on the state before a revision, makes that revision, with this answer.</summary>
    public bool Changes(Operation operation, long revision, string told)
    {
        Fork fork = _states[(int)revision - 1].Fork();
        return Evaluate(operation, fork) == told && fork.Events.Count > 0
            && Show(fork.Freeze()).SequenceEqual(Show(_states[(int)revision]));
    }

    /// <summary>Whether the operation, on the state before a revision, makes that revision.</summary>
    public bool Changes(Operation operation, long revision) =>
        Changes(operation, revision, Evaluate(operation, _states[(int)revision - 1].Fork()));

    /// <summary>Whether a caller may do this at a revision, which depends on the keys of leases.</summary>
    public bool Permits(Caller caller, Operation operation, long revision) =>
        Access.Check(caller, operation, lease => _states[(int)revision].KeysOfLease(lease)) is null;

    /// <summary>What watchers are served from is what the log has.</summary>
    public void ShouldHave(IEnumerable<KvEvent> events) =>
        events.Select(one => Row(one.Revision, one.Sub, one.Key.Span, one.Record is { } put ? put.Value : [])).ShouldBe(_rows);

    private static string Row(long revision, int sub, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        $"{revision}.{sub} {Text(key)}={Text(value)}";

    /// <summary>The answer to an operation that changes nothing.</summary>
    public string Answer(Operation operation, long revision)
    {
        Fork fork = _states[(int)revision].Fork();
        string answer = Evaluate(operation, fork);
        return fork.Events.Count == 0 ? answer : $"{answer}, and it changes keys";
    }

    public RangeResult? Range(RangeOperation operation, long headerRevision) =>
        _states[(int)operation.Revision].Range(operation, headerRevision);

    private string Evaluate(Operation operation, Fork fork)
    {
        KvError error = fork.Evaluate(operation, ImmutableHashSet<long>.Empty, this, out OperationResult? result);
        return error == KvError.None ? Describe(result) : error.ToString();
    }

    /// <summary>A result with all its records.</summary>
    public static string Describe(OperationResult? result) => result switch
    {
        PutResult put => $"{put.Revision} put {Describe(put.Previous is null ? [] : [put.Previous])}",
        DeleteRangeResult delete => $"{delete.Revision} delete {delete.Deleted} {Describe(delete.Previous)}",
        RangeResult { KeysOnly: true } range => $"{range.Revision} keys {range.Count} {range.More} {Keys(range.Records)}",
        RangeResult range => $"{range.Revision} range {range.Count} {range.More} {Describe(range.Records)}",
        TxnResult txn => $"{txn.Revision} txn {txn.Succeeded} [{string.Join("; ", txn.Results.Select(Describe))}]",
        _ => "nothing",
    };

    private static string Keys(KeyRecord[] records) => string.Join(", ", records.Select(record => Text(record.Key)));

    private static string Describe(KeyRecord[] records) => string.Join(", ", records.Select(Show));
}
