using PgEtcd.Mvcc;
using PgEtcd.Postgres;

namespace PgEtcd.Server.Store;

/// <summary>A batch of writes evaluated on a fork of one state: what to append, and the state if it is appended.</summary>
internal sealed class Evaluation
{
    private readonly Fork _fork;

    private Evaluation(ReplicaState state)
    {
        State = state;
        _fork = state.Keys.Fork();
        Append = new AppendBatch(state.Position);
    }

    /// <summary>The state it was evaluated at.</summary>
    public ReplicaState State { get; }

    /// <summary>What to append.</summary>
    public AppendBatch Append { get; }

    /// <summary>Evaluates the writes one after another and leaves each one's answer with it.</summary>
    /// <param name="batch">The writes, in order.</param>
    /// <param name="state">Where to begin.</param>
    /// <param name="missingLeases">Leases that the database has said do not exist; all others are taken to.</param>
    public static Evaluation Of(List<PendingWrite> batch, ReplicaState state, HashSet<long> missingLeases)
    {
        Evaluation evaluation = new(state);
        HashSet<long> missing = missingLeases;
        foreach (PendingWrite write in batch)
        {
            evaluation.Add(write, ref missing, missingLeases);
        }

        return evaluation;
    }

    /// <summary>The state after the batch.</summary>
    public KeySpace Committed() => _fork.Freeze();

    private void Add(PendingWrite write, ref HashSet<long> missing, HashSet<long> missingLeases)
    {
        if (write.Operation is RevokeLeaseOperation revoke)
        {
            if (missing.Contains(revoke.Lease))
            {
                write.Answer = new WriteAnswer(KvError.LeaseNotFound, null);
                return;
            }

            Append.Revoke(revoke.Lease);
            // For the writes behind it in this batch the lease is gone.
            missing = ReferenceEquals(missing, missingLeases) ? [.. missingLeases] : missing;
            missing.Add(revoke.Lease);
        }

        int before = _fork.Events.Count;
        KvError error = _fork.Evaluate(write.Operation, missing, write.History, out OperationResult? result);
        write.Answer = new WriteAnswer(error, result);
        if (error is not (KvError.None or KvError.LeaseNotFound))
        {
            RequireLeasesOf(write.Operation, missing);
        }

        for (int i = before; i < _fork.Events.Count; i++)
        {
            KvEvent change = _fork.Events[i];
            Append.Add(change, write.Origin.Username, write.Origin.Client);
            // A put that keeps its key's lease is not refused when the lease is missing, so it must not ask for it again.
            if (change.Record is { Lease: not 0 } record && !missing.Contains(record.Lease))
            {
                Append.Require(record.Lease);
            }
        }
    }

    /// <summary>An evaluation that failed took these leases to exist; a missing one is the error etcd comes to first.</summary>
    private void RequireLeasesOf(Operation? operation, HashSet<long> missing)
    {
        switch (operation)
        {
            case PutOperation { Lease: not 0 } put when !missing.Contains(put.Lease):
                Append.Require(put.Lease);
                break;
            case TxnOperation txn:
                foreach (Operation? inner in txn.Success.Concat(txn.Failure))
                {
                    RequireLeasesOf(inner, missing);
                }

                break;
        }
    }
}
