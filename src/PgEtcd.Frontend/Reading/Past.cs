using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Reading;

/// <summary>Reads revisions that are no longer in memory, from SQL. The rows are evaluated by the same code as the present state.</summary>
public sealed class Past(StateReader states, Replica replica, Tail tail, Database database, TimeSpan timeLimit)
{
    /// <summary>A range at an older revision.</summary>
    /// <param name="operation">The range; its revision is not in the future.</param>
    /// <param name="headerRevision">The revision in the answer's header.</param>
    /// <returns>The answer; null if the revision has been compacted meanwhile.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    /// <exception cref="AnswerTooLargeException">The answer would not fit into a message.</exception>
    public async Task<RangeResult?> RangeAsync(RangeOperation operation, long headerRevision)
    {
        // If the limit cuts by key, SQL cuts too, one key later, to know about `more`; a mere count needs no rows.
        bool byKey = operation is { SortTarget: SortTarget.Key, SortOrder: not SortOrder.Descend, HasFilter: false };
        long limit = operation.CountOnly ? 0
            : byKey && operation.Limit is > 0 and < int.MaxValue ? operation.Limit + 1
            : long.MaxValue;
        if (await ReadAsync(operation, limit) is not var (state, count))
        {
            return null;
        }

        RangeResult result = state.Range(operation, headerRevision);
        return limit == long.MaxValue ? result : result with { Count = count };
    }

    /// <summary>A state that holds the keys of one range at an older revision; null if that has been compacted meanwhile.</summary>
    /// <param name="operation">The range; its revision is not in the future. Values are empty if the range does not need them.</param>
    /// <exception cref="AnswerTooLargeException">The state would be larger than a message can be.</exception>
    public async Task<KeySpace?> StateAsync(RangeOperation operation) => (await ReadAsync(operation, long.MaxValue))?.State;

    /// <summary>Fetches the older ranges that a transaction reads, so that it can be evaluated without waiting.</summary>
    /// <param name="operation">The transaction.</param>
    public async Task<IHistory> FetchAsync(TxnOperation operation)
    {
        Fetched fetched = new(replica);
        KeySpace current = replica.Current;
        long size = 0;
        foreach (RangeOperation range in operation.Parts.OfType<RangeOperation>())
        {
            if (range.Revision > 0 && range.Revision <= current.Revision && range.Revision >= current.CompactRevision
                && await RangeAsync(range, current.Revision) is { } result)
            {
                size = AnswerTooLargeException.Add(size, result.AnswerBytes);
                fetched.Add(range, result);
            }
        }

        return fetched;
    }

    private async Task<(KeySpace State, long Count)?> ReadAsync(RangeOperation operation, long limit)
    {
        if (operation.Range.IsEmpty)
        {
            return (KeySpace.Empty, 0);
        }

        bool withValues = !operation.KeysOnly || operation.SortTarget == SortTarget.Value;
        (LogPosition position, List<KeyRecord> records, long count) = await database.InTimeAsync(
            timeLimit, token => states.RangeAtAsync(operation.Range, operation.Revision, limit, token, withValues));
        if (operation.Revision < position.CompactRevision)
        {
            await tail.CatchUpAsync(); // so that this frontend knows of the compaction, too
            return null;
        }

        return (KeySpace.Load(operation.Revision, -1, KeyTree.FromSorted(records)), count);
    }

    /// <summary>The past does not change: a range fetched once is right whenever the transaction is evaluated.</summary>
    private sealed class Fetched(IHistory recent) : IHistory
    {
        private readonly Dictionary<RangeOperation, RangeResult> _ranges = new(ReferenceEqualityComparer.Instance);

        public void Add(RangeOperation operation, RangeResult result) => _ranges.Add(operation, result);

        public RangeResult? Range(RangeOperation operation, long headerRevision) =>
            _ranges.TryGetValue(operation, out RangeResult? result)
                ? result with { Revision = headerRevision }
                : recent.Range(operation, headerRevision);
    }
}
