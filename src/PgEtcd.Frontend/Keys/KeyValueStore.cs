using System.Diagnostics;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Keys;

/// <summary>What the services see of the store: reads with or without the barrier, writes, compaction.</summary>
public sealed class KeyValueStore(
    Replica replica, Tail tail, Committer committer, Past past, RevisionLog log, Database database, TimeSpan timeLimit)
{
    /// <summary>Removal goes on wherever the leader is, and tells nobody how far it is but the database.</summary>
    private static readonly TimeSpan RemovalPoll = TimeSpan.FromMilliseconds(20);

    private readonly RemovalTable _removal = new(database);

    /// <summary>The latest state here, for headers of answers that read nothing.</summary>
    public KeySpace Current => replica.Current;

    /// <summary>Range (semantics.md §2).</summary>
    /// <param name="operation">The range, checked.</param>
    /// <param name="isCaughtUp">The caller has waited for the barrier already.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public ValueTask<WriteAnswer> RangeAsync(RangeOperation operation, bool isCaughtUp = false)
    {
        ReadMetrics.Read();
        if ((operation.Serializable || isCaughtUp) && operation.Revision <= 0)
        {
            KeySpace current = replica.Current;
            return new(Read(current, operation, current.Revision));
        }

        return ReadAsync(operation, isCaughtUp);
    }

    /// <summary>A Txn that only reads (semantics.md §5).</summary>
    /// <param name="operation">The transaction, checked.</param>
    /// <param name="isCaughtUp">The caller has waited for the barrier already.</param>
    public async Task<WriteAnswer> ReadOnlyTxnAsync(TxnOperation operation, bool isCaughtUp = false)
    {
        if (!operation.IsSerializable && !isCaughtUp)
        {
            await tail.CatchUpAsync();
        }

        return await WithHistoryAsync(
            operation,
            history =>
            {
                (KvError error, TxnResult? result) = replica.Current.EvaluateReadOnly(operation, history);
                ReadMetrics.Read(result);
                return Task.FromResult(new WriteAnswer(error, result));
            });
    }

    /// <summary>Put, DeleteRange, Txn or RevokeLease.</summary>
    /// <param name="operation">The operation, checked.</param>
    /// <param name="size">Its size on the wire, bytes.</param>
    /// <param name="origin">Who asks.</param>
    public Task<WriteAnswer> WriteAsync(Operation operation, int size, Origin origin) =>
        operation is TxnOperation txn
            ? WithHistoryAsync(txn, history => committer.WriteAsync(txn, size, history, origin))
            : committer.WriteAsync(operation, size, replica, origin);

    /// <summary>Compact (semantics.md §6): the mark moves at once, for this frontend before the answer.</summary>
    /// <param name="revision">The revision to compact at.</param>
    /// <param name="origin">Who asks.</param>
    /// <param name="physical">Wait until the leader has removed what is superseded, also when it was compacted before.</param>
    /// <param name="cancellationToken">Ends that wait.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<KvError> CompactAsync(
        long revision, Origin origin, bool physical = false, CancellationToken cancellationToken = default)
    {
        long started = Stopwatch.GetTimestamp();
        Guid token = Guid.NewGuid();
        CompactOutcome outcome = await database.InTimeAsync(timeLimit, cancel => log.CompactAsync(revision, token, cancel, origin.Caller.Username, origin.Client));
        await tail.CatchUpAsync();
        KvError error = outcome switch
        {
            CompactOutcome.Compacted => KvError.None,
            CompactOutcome.FutureRevision => KvError.FutureRevision,
            CompactOutcome.Corrupt => KvError.Corrupt,
            _ => KvError.Compacted,
        };
        WriteMetrics.Compacted(error, started);
        if (physical && error is (KvError.None or KvError.Compacted))
        {
            await RemovedAsync(replica.Current.CompactRevision, cancellationToken);
        }

        return error;
    }

    /// <summary>A state that holds a range as it was at the revision asked for, to be read piece by piece.</summary>
    /// <param name="operation">The range, checked.</param>
    /// <param name="isCaughtUp">The caller has waited for the barrier already.</param>
    public async Task<(KvError Error, KeySpace? State, long HeaderRevision)> PinAsync(RangeOperation operation, bool isCaughtUp = false)
    {
        (KvError error, KeySpace? state, long headerRevision) = await LocateAsync(operation, isCaughtUp);
        if (error == KvError.None && state is null)
        {
            state = await past.StateAsync(operation.Range, operation.Revision);
            error = state is null ? KvError.Compacted : KvError.None;
        }

        return (error, state, headerRevision);
    }

    private async Task RemovedAsync(long compactRevision, CancellationToken cancellationToken)
    {
        while ((await database.InTimeAsync(timeLimit, _removal.ProgressAsync)).AttendedRevision < compactRevision)
        {
            await Task.Delay(RemovalPoll, cancellationToken);
        }
    }

    private async ValueTask<WriteAnswer> ReadAsync(RangeOperation operation, bool isCaughtUp)
    {
        (KvError error, KeySpace? state, long headerRevision) = await LocateAsync(operation, isCaughtUp);
        if (state is not null)
        {
            return Read(state, operation, headerRevision);
        }

        long started = Stopwatch.GetTimestamp();
        RangeResult? result = error == KvError.None ? await past.RangeAsync(operation, headerRevision) : null;
        WriteAnswer answer = new(result is null && error == KvError.None ? KvError.Compacted : error, result);
        ReadMetrics.Ranged(answer.Error, started);
        return answer;
    }

    private WriteAnswer Read(KeySpace state, RangeOperation operation, long headerRevision)
    {
        long started = Stopwatch.GetTimestamp();
        RangeResult result = state.Range(operation, headerRevision);
        ReadMetrics.Ranged(KvError.None, started);
        if (result.More)
        {
            replica.Keep(state);
        }

        return new WriteAnswer(KvError.None, result);
    }

    /// <summary>The state a range is to be read from, after the barrier if it wants one; null when only SQL has it.</summary>
    private async ValueTask<(KvError Error, KeySpace? State, long HeaderRevision)> LocateAsync(RangeOperation operation, bool isCaughtUp)
    {
        if (!operation.Serializable && !isCaughtUp)
        {
            await tail.CatchUpAsync();
        }

        KeySpace current = replica.Current;
        return operation.Revision switch
        {
            var revision when revision > current.Revision => (KvError.FutureRevision, null, 0),
            var revision when revision <= 0 || revision == current.Revision => (KvError.None, current, current.Revision),
            var revision when revision < current.CompactRevision => (KvError.Compacted, null, 0),
            var revision => (KvError.None, replica.At(revision), current.Revision),
        };
    }

    /// <summary>Evaluates a transaction; where it lacks an older revision, fetches its ranges from SQL and does it again.</summary>
    private async Task<WriteAnswer> WithHistoryAsync(TxnOperation operation, Func<IHistory, Task<WriteAnswer>> evaluate)
    {
        IHistory history = replica;
        while (true)
        {
            WriteAnswer answer = await evaluate(history);
            if (answer.Error != KvError.HistoryNeeded)
            {
                return answer;
            }

            history = await past.FetchAsync(operation);
        }
    }
}
