using PgEtcd.Postgres.Calls;

namespace PgEtcd.Frontend.Writing;

/// <summary>Answers the writes that have waited too long for the database.</summary>
/// <param name="timeLimit">How long a write may take.</param>
/// <param name="clock">Measures it.</param>
internal sealed class Deadlines(TimeSpan timeLimit, TimeProvider clock)
{
    /// <summary>Gives up a batch for which no caller waits any more.</summary>
    /// <exception cref="StoreUnavailableException">The time of all its writes is up.</exception>
    public void Check(Batch batch, WriteQueue queue)
    {
        if (Answer(batch, queue))
        {
            throw new StoreUnavailableException();
        }
    }

    /// <summary>Answers the writes whose time is up.</summary>
    /// <param name="batch">The batch that is under way.</param>
    /// <param name="queue">The writes behind it.</param>
    /// <returns>True when those are all of the batch.</returns>
    public bool Answer(Batch batch, WriteQueue queue)
    {
        List<PendingWrite> expired = [.. batch.Writes.Where(IsExpired)];
        bool isAbandoned = expired.Count == batch.Writes.Count;
        queue.TryTakeExpired(IsExpired, expired);
        if (expired.Count > 0)
        {
            Answers.Give(expired, static write => write.TrySetException(new StoreUnavailableException()), atOnce: false);
        }

        return isAbandoned;
    }

    private bool IsExpired(PendingWrite write) => clock.GetElapsedTime(write.Enqueued) > timeLimit;
}
