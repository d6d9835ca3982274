using PgEtcd.Mvcc;
using PgEtcd.Postgres;

namespace PgEtcd.Server.Store;

/// <summary>What the services see of the store: reads with or without the barrier, writes, compaction.</summary>
public sealed class KeyValueStore(Replica replica, Tail tail, Committer committer, RevisionLog log, StateReader states, Database database)
{
    /// <summary>The latest state here, for headers of answers that read nothing.</summary>
    public KeySpace Current => replica.Current;

    /// <summary>Range (semantics.md §2).</summary>
    /// <param name="operation">The range, checked.</param>
    /// <param name="cancellationToken">Ends a read of older revisions from SQL.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public ValueTask<WriteAnswer> RangeAsync(RangeOperation operation, CancellationToken cancellationToken)
    {
        if (operation.Serializable && operation.Revision <= 0)
        {
            return new(new WriteAnswer(replica.Current.Range(operation, out RangeResult? result), result));
        }

        return ReadAsync(operation, cancellationToken);
    }

    /// <summary>A Txn that only reads (semantics.md §5).</summary>
    /// <param name="operation">The transaction, checked.</param>
    /// <param name="cancellationToken">Ends a read of older revisions from SQL.</param>
    public async Task<WriteAnswer> ReadOnlyTxnAsync(TxnOperation operation, CancellationToken cancellationToken)
    {
        if (!operation.IsSerializable)
        {
            await tail.CatchUpAsync();
        }

        return await WithHistoryAsync(
            operation,
            history =>
            {
                (KvError error, TxnResult? result) = replica.Current.EvaluateReadOnly(operation, history);
                return Task.FromResult(new WriteAnswer(error, result));
            },
            cancellationToken);
    }

    /// <summary>Put, DeleteRange, Txn or RevokeLease.</summary>
    /// <param name="operation">The operation, checked.</param>
    /// <param name="size">Its size on the wire, bytes.</param>
    /// <param name="origin">Who asks.</param>
    /// <param name="cancellationToken">Ends a read of older revisions from SQL; never the write.</param>
    public Task<WriteAnswer> WriteAsync(Operation operation, int size, Origin origin, CancellationToken cancellationToken) =>
        operation is TxnOperation txn
            ? WithHistoryAsync(txn, history => committer.WriteAsync(txn, size, history, origin), cancellationToken)
            : committer.WriteAsync(operation, size, replica, origin);

    /// <summary>Compact (semantics.md §6): the mark moves at once, for this frontend before the answer.</summary>
    /// <param name="revision">The revision to compact at.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<KvError> CompactAsync(long revision, CancellationToken cancellationToken)
    {
        // Repeated after a broken connection it may find its own mark: that is success too.
        bool repeated = false;
        CompactOutcome outcome = await database.Retry.ExecuteAsync(
            async token =>
            {
                bool again = repeated;
                repeated = true;
                CompactOutcome result = await log.CompactAsync(revision, token);
                return again && result == CompactOutcome.AlreadyCompacted ? CompactOutcome.Compacted : result;
            },
            cancellationToken);
        await tail.CatchUpAsync();
        return outcome switch
        {
            CompactOutcome.Compacted => KvError.None,
            CompactOutcome.AlreadyCompacted => KvError.Compacted,
            _ => KvError.FutureRevision,
        };
    }

    private async ValueTask<WriteAnswer> ReadAsync(RangeOperation operation, CancellationToken cancellationToken)
    {
        if (!operation.Serializable)
        {
            await tail.CatchUpAsync();
        }

        KeySpace current = replica.Current;
        if (operation.Revision > current.Revision)
        {
            return new WriteAnswer(KvError.FutureRevision, null);
        }

        if (operation.Revision <= 0 || operation.Revision == current.Revision)
        {
            return new WriteAnswer(current.Range(operation, out RangeResult? result), result);
        }

        if (operation.Revision < current.CompactRevision)
        {
            return new WriteAnswer(KvError.Compacted, null);
        }

        RangeResult? past = replica.Range(operation, current.Revision) ?? await PastAsync(operation, current.Revision, cancellationToken);
        return past is null ? new WriteAnswer(KvError.Compacted, null) : new WriteAnswer(KvError.None, past);
    }

    /// <summary>A range at an older revision, from SQL. Null when it has been compacted meanwhile.</summary>
    private async Task<RangeResult?> PastAsync(RangeOperation operation, long headerRevision, CancellationToken cancellationToken)
    {
        if (operation.Range.IsEmpty)
        {
            return KeySpace.Empty.Range(operation, headerRevision);
        }

        // SQL cuts where the limit cuts by key, one later than asked for, to know about `more`; a mere count needs no rows.
        bool byKey = operation is { SortTarget: SortTarget.Key, SortOrder: not SortOrder.Descend, HasFilter: false };
        long limit = operation.CountOnly ? 0
            : byKey && operation.Limit is > 0 and < int.MaxValue ? operation.Limit + 1
            : long.MaxValue;
        (LogPosition position, List<KeyRecord> records, long count) = await database.Retry.ExecuteAsync(
            async token => await states.RangeAtAsync(
                operation.Range, operation.Revision, limit, token),
            cancellationToken);
        if (operation.Revision < position.CompactRevision)
        {
            await tail.CatchUpAsync();
            return null;
        }

        RangeResult result = KeySpace.Load(operation.Revision, -1, KeyTree.FromSorted(records)).Range(operation, headerRevision);
        return limit == long.MaxValue ? result : result.WithCount(count);
    }

    /// <summary>Evaluates a transaction; where it lacks an older revision, fetches its ranges from SQL and does it again.</summary>
    private async Task<WriteAnswer> WithHistoryAsync(
        TxnOperation operation, Func<IHistory, Task<WriteAnswer>> evaluate, CancellationToken cancellationToken)
    {
        IHistory history = replica;
        while (true)
        {
            WriteAnswer answer = await evaluate(history);
            if (answer.Error != KvError.HistoryNeeded)
            {
                return answer;
            }

            FetchedHistory fetched = new(replica);
            KeySpace current = replica.Current;
            foreach (RangeOperation range in operation.Ranges())
            {
                if (range.Revision > 0 && range.Revision <= current.Revision && range.Revision >= current.CompactRevision
                    && await PastAsync(range, current.Revision, cancellationToken) is { } result)
                {
                    fetched.Add(range, result);
                }
            }

            history = fetched;
        }
    }

    /// <summary>Ranges of one transaction that were fetched beforehand: the past does not change.</summary>
    private sealed class FetchedHistory(IHistory recent) : IHistory
    {
        private readonly Dictionary<RangeOperation, RangeResult> _fetched = new(ReferenceEqualityComparer.Instance);

        public void Add(RangeOperation operation, RangeResult result) => _fetched.Add(operation, result);

        public RangeResult? Range(RangeOperation operation, long headerRevision) =>
            _fetched.TryGetValue(operation, out RangeResult? result)
                ? result.WithRevision(headerRevision)
                : recent.Range(operation, headerRevision);
    }
}
