using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Writing;

/// <summary>Writes that are committed together. Each is evaluated as it is added, on a fork of one state. The batch holds the rows to
/// append and the state after them. Not thread-safe.</summary>
internal sealed class Batch
{
    private const int MaxRequests = 1000;

    /// <summary>Bounds the memory that a batch takes, here and in PostgreSQL.</summary>
    private const int MaxBytes = 8 * 1024 * 1024;

    private readonly Fork _fork;
    private readonly List<PendingWrite> _writes;
    private readonly HashSet<long> _missing;
    private KeySpace? _committed;
    private int _bytes;

    /// <param name="state">The state to evaluate on.</param>
    /// <param name="missingLeases">Leases that do not exist according to the database; all others are assumed to exist.</param>
    /// <param name="expectedWrites">The approximate number of writes.</param>
    public Batch(ReplicaState state, IEnumerable<long> missingLeases, int expectedWrites)
    {
        State = state;
        _writes = new List<PendingWrite>(expectedWrites);
        _fork = state.Keys.Fork(expectedWrites);
        _missing = [.. missingLeases];
        Append = new AppendBatch(state.Position, expectedWrites);
    }

    /// <summary>The state that the writes are evaluated on.</summary>
    public ReplicaState State { get; }

    /// <summary>The rows to append and the conditions of the append.</summary>
    public AppendBatch Append { get; }

    /// <summary>The writes in order; each carries its answer.</summary>
    public IReadOnlyList<PendingWrite> Writes => _writes;

    public bool IsFull => _writes.Count >= MaxRequests || _bytes >= MaxBytes;

    /// <summary>The changes that the batch makes, in order.</summary>
    public IReadOnlyList<KvEvent> Events => _fork.Events;

    /// <summary>The state after the batch. Nothing may be added once it has been read.</summary>
    public KeySpace Committed => _committed ??= _fork.Freeze();

    /// <summary>Evaluates writes as a new batch.</summary>
    public static Batch Of(IReadOnlyCollection<PendingWrite> writes, ReplicaState state, IEnumerable<long> missingLeases)
    {
        Batch batch = new(state, missingLeases, writes.Count);
        foreach (PendingWrite write in writes)
        {
            batch.Add(write);
        }

        return batch;
    }

    /// <summary>Evaluates the writes on another state. Not for a batch that revokes a lease: the lease would be missing from the
    /// start.</summary>
    public Batch On(KeySpace keys) => Of(_writes, State with { Keys = keys }, _missing);

    /// <summary>Evaluates a write after all earlier ones and stores the answer, or the exception, in it.</summary>
    public void Add(PendingWrite write)
    {
        _writes.Add(write);
        _bytes += write.Size;
        write.Failure = null;
        try
        {
            Evaluate(write);
        }
        catch (Exception exception)
        {
            (write.Answer, write.Failure) = (default, exception);
            Append.Fix();
        }
    }

    private void Evaluate(PendingWrite write)
    {
        if (Refusal(write.Operation, write.Origin.Caller) is { } refusal)
        {
            write.Answer = refusal;
            return;
        }

        int before = _fork.Events.Count;
        ReadSet.Note(Append, write.Operation, _fork);
        KvError error = _fork.Evaluate(write.Operation, _missing, write.History, out OperationResult? result);
        write.Answer = error == KvError.HistoryNeeded
            ? new WriteAnswer(null, null, WriteRetry.HistoryNeeded)
            : new WriteAnswer(error.ToEtcd(), result);
        if (write.Operation is RevokeLeaseOperation revoke)
        {
            Append.Revoke(revoke.Lease);
            _missing.Add(revoke.Lease); // for later writes of the batch the lease is gone
        }

        if (error != KvError.None)
        {
            NoteFailed(write.Operation, error);
        }

        string? client = _fork.Events.Count > before ? ClientAndRequest(write) : null;
        for (int i = before; i < _fork.Events.Count; i++)
        {
            KvEvent change = _fork.Events[i];
            Append.Add(change, write.Origin.Caller.Username, client);
            // A put that keeps its key's lease succeeds even if the lease is missing, so the append must not require a missing one.
            if (change.Record is { Lease: not 0 } record && !_missing.Contains(record.Lease))
            {
                Append.Require(record.Lease);
            }
        }
    }

    /// <summary>The address and the kind of request, which the history shows separately (docs/decisions/0016).</summary>
    private static string ClientAndRequest(PendingWrite write) => write.Origin.Client + write.Operation switch
    {
        PutOperation => "#Put",
        DeleteRangeOperation => "#DeleteRange",
        TxnOperation => "#Txn",
        _ => "#LeaseRevoke",
    };

    /// <summary>The reason not to evaluate an operation; null if there is none. Alarms, users, roles and permissions are those of the
    /// batch's state and are checked only here, because the append is conditional on that state (design §2.3).</summary>
    private WriteAnswer? Refusal(Operation operation, Caller caller) =>
        WriteCost.Refusal(operation, State.Alarms) is { } alarm ? new WriteAnswer(alarm, null)
        : !caller.IsOf(State.AuthRevision) ? new WriteAnswer(EtcdErrors.AuthOldRevision, null, WriteRetry.AuthMoved)
        : caller.IsChecked && Access.Check(caller, operation, AttachedTo) is { } denial ? new WriteAnswer(denial, null)
        : operation is RevokeLeaseOperation revoke && _missing.Contains(revoke.Lease) ? new WriteAnswer(EtcdErrors.LeaseNotFound, null)
        : null;

    private IEnumerable<ReadOnlyMemory<byte>> AttachedTo(long lease)
    {
        Append.Fix(); // others may attach keys to the lease
        return _fork.AttachedTo(lease);
    }

    /// <summary>Notes the keys that a failed write would have put, as one of them may be the reason of the failure, and requires the
    /// leases that its evaluation assumed to exist: etcd would report a missing lease first.</summary>
    private void NoteFailed(Operation operation, KvError error)
    {
        foreach (PutOperation put in operation.Parts.OfType<PutOperation>())
        {
            Append.Read(new KeyRange(put.Key, default));
            if (error != KvError.LeaseNotFound && put.Lease != 0 && !_missing.Contains(put.Lease))
            {
                Append.Require(put.Lease);
            }
        }
    }
}
