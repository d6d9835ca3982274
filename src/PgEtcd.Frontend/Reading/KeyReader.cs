using System.Diagnostics;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Reading;

/// <summary>Reads keys, with or without the barrier: from memory, or from SQL if only the log holds the requested revision.</summary>
public sealed class KeyReader(Replica replica, Tail tail, Past past)
{
    /// <summary>The latest state here, for headers of answers that read nothing.</summary>
    public KeySpace Current => replica.Current;

    /// <summary>Whether the state here can be trusted without asking the database.</summary>
    public bool IsFresh => tail.IsFresh;

    /// <summary>Range (semantics.md §2).</summary>
    /// <param name="operation">The range, checked.</param>
    /// <param name="isCaughtUp">The caller has waited for the barrier already.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public ValueTask<ReadAnswer<RangeResult>> RangeAsync(RangeOperation operation, bool isCaughtUp = false)
    {
        OperationTally.Ranges.Add(1);
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
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<ReadAnswer<TxnResult>> ReadOnlyTxnAsync(TxnOperation operation, bool isCaughtUp = false)
    {
        if (!operation.IsSerializable && !isCaughtUp)
        {
            await tail.CatchUpAsync();
        }

        IHistory history = replica;
        while (true)
        {
            (KvError error, TxnResult? result) = replica.Current.EvaluateReadOnly(operation, history);
            ReadMetrics.Read(result);
            if (error == KvError.FutureRevision && operation.IsSerializable && !isCaughtUp)
            {
                await tail.CatchUpAsync(); // as for a Range
                isCaughtUp = true;
                continue;
            }

            if (error != KvError.HistoryNeeded)
            {
                return new ReadAnswer<TxnResult>(error.ToEtcd(), result);
            }

            history = await past.FetchAsync(operation);
        }
    }

    /// <summary>A state that holds a range at the requested revision, to be read piece by piece.</summary>
    /// <param name="operation">The range, checked.</param>
    /// <param name="isCaughtUp">The caller has waited for the barrier already.</param>
    public async Task<(EtcdError? Error, KeySpace? State, long HeaderRevision)> PinAsync(RangeOperation operation, bool isCaughtUp = false)
    {
        (EtcdError? error, KeySpace? state, long headerRevision) = await LocateAsync(operation, isCaughtUp);
        if (error is null && state is null)
        {
            state = await past.StateAsync(operation);
            error = state is null ? EtcdErrors.Compacted : null;
        }

        return (error, state, headerRevision);
    }

    private async ValueTask<ReadAnswer<RangeResult>> ReadAsync(RangeOperation operation, bool isCaughtUp)
    {
        (EtcdError? error, KeySpace? state, long headerRevision) = await LocateAsync(operation, isCaughtUp);
        if (state is not null)
        {
            return Read(state, operation, headerRevision);
        }

        long started = Stopwatch.GetTimestamp();
        RangeResult? result = error is null ? await past.RangeAsync(operation, headerRevision) : null;
        ReadAnswer<RangeResult> answer = new(result is null ? error ?? EtcdErrors.Compacted : null, result);
        ReadMetrics.Ranged(answer.Error, started);
        return answer;
    }

    private ReadAnswer<RangeResult> Read(KeySpace state, RangeOperation operation, long headerRevision)
    {
        long started = Stopwatch.GetTimestamp();
        RangeResult result = state.Range(operation, headerRevision);
        ReadMetrics.Ranged(null, started);
        if (result.More)
        {
            replica.Keep(state);
        }

        return new ReadAnswer<RangeResult>(null, result);
    }

    /// <summary>The state to read a range from, after the barrier if the range needs one; null if only SQL has that state.</summary>
    private async ValueTask<(EtcdError? Error, KeySpace? State, long HeaderRevision)> LocateAsync(RangeOperation operation, bool isCaughtUp)
    {
        // Another frontend may just have acknowledged a revision that is not here yet.
        if ((!operation.Serializable && !isCaughtUp) || operation.Revision > replica.Current.Revision)
        {
            await tail.CatchUpAsync();
        }

        KeySpace current = replica.Current;
        return operation.Revision switch
        {
            var revision when revision > current.Revision => (EtcdErrors.FutureRev, null, 0),
            var revision when revision <= 0 || revision == current.Revision => (null, current, current.Revision),
            var revision when revision < current.CompactRevision => (EtcdErrors.Compacted, null, 0),
            var revision => (null, replica.At(revision), current.Revision),
        };
    }
}
