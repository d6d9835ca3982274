using PgEtcd.Frontend.Reading;

namespace PgEtcd.Frontend.Writing;

/// <summary>Writes on their way to the committer: those of the next batch, evaluated as they arrive, and those that wait until it
/// opens.</summary>
internal sealed class WriteQueue(Replica replica)
{
    /// <summary>Size of a batch after which the next write will not come alone. The loop then starts behind the work that the thread pool
    /// already holds. Otherwise that write would commit alone, and the others would wait for it.</summary>
    private const int Crowd = 8;

    /// <summary>Guards all fields. Second in the lock order (RunningFrontend): an evaluation under it may read PagedStates.</summary>
    private readonly Lock _gate = new();
    private Queue<PendingWrite> _waiting = new();
    private Batch? _next;
    private bool _running;
    private int _underWay;
    private int _lastBatch;
    private TaskCompletionSource? _gathered;
    private int _gathers;

    /// <summary>Writes that have not been answered.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count + (_next?.Writes.Count ?? 0) + _underWay;
            }
        }
    }

    /// <summary>Adds a write.</summary>
    /// <returns>Whether, and when, the caller has to start the loop that takes batches.</returns>
    public LoopStart Add(PendingWrite write)
    {
        lock (_gate)
        {
            if (!_running)
            {
                _running = true;
                _next = new Batch(replica.State, [], 1);
                _next.Add(write);
                return _lastBatch < Crowd ? LoopStart.Now : LoopStart.Soon;
            }

            if (_next is { IsFull: false })
            {
                _next.Add(write);
            }
            else
            {
                _waiting.Enqueue(write);
                if (_waiting.Count >= _gathers)
                {
                    _gathered?.TrySetResult();
                }
            }

            return LoopStart.None;
        }
    }

    /// <summary>Opens the next batch on the state that the one under way will leave.</summary>
    public void Open(Batch underWay)
    {
        ReplicaState after = new(underWay.Committed, underWay.State.AuthRevision, underWay.State.Alarms);
        lock (_gate)
        {
            _next = new Batch(after, [], underWay.Writes.Count); // about as many again
            Fill(_next);
        }
    }

    /// <summary>Adds the waiting writes to the batch under way, while no next batch is open.</summary>
    public void Join(Batch underWay)
    {
        lock (_gate)
        {
            Fill(underWay);
            _underWay = underWay.Writes.Count;
        }
    }

    /// <summary>Drops the next batch, because the state it was evaluated on did not come about: its writes wait, ahead of others.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_next is not null)
            {
                _waiting = new Queue<PendingWrite>(_next.Writes.Concat(_waiting));
                _next = null;
            }
        }
    }

    /// <summary>Completes when as many new writes have arrived as were just answered: then all sequential clients have come back.</summary>
    public Task GatherAsync(int answered)
    {
        lock (_gate)
        {
            _gathers = answered + _waiting.Count;
            _gathered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _gathered.Task;
        }
    }

    /// <summary>The writes gathered since the last call, as a batch; null if there are none: the loop must end.</summary>
    public Batch? Take()
    {
        lock (_gate)
        {
            Batch next = _next ?? new Batch(replica.State, [], _waiting.Count);
            _next = null;
            _gathered = null;
            Fill(next);
            _lastBatch = _underWay;
            _underWay = next.Writes.Count;
            _running = _underWay > 0;
            return _running ? next : null;
        }
    }

    /// <summary>Finds the expired writes, unless the queue is in use: an evaluation may take long, and the caller asks again. Waiting ones
    /// are removed. Those of the next batch are part of its evaluation and stay in it, so they may still be committed.</summary>
    /// <param name="isExpired">Whether a write has expired.</param>
    /// <param name="expired">Receives the expired writes.</param>
    public void TryTakeExpired(Func<PendingWrite, bool> isExpired, List<PendingWrite> expired)
    {
        if (!_gate.TryEnter())
        {
            return;
        }

        try
        {
            expired.AddRange(_next?.Writes.Where(isExpired) ?? []);
            while (_waiting.TryPeek(out PendingWrite? write) && isExpired(write))
            {
                expired.Add(_waiting.Dequeue());
            }
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Fill(Batch batch)
    {
        while (!batch.IsFull && _waiting.TryDequeue(out PendingWrite? write))
        {
            batch.Add(write);
        }
    }
}

/// <summary>When to start the loop that takes batches.</summary>
internal enum LoopStart
{
    /// <summary>The loop runs already.</summary>
    None,

    /// <summary>At once.</summary>
    Now,

    /// <summary>Behind the work that the thread pool already holds.</summary>
    Soon,
}
