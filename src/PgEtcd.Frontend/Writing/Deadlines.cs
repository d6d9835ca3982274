using PgEtcd.Postgres.Calls;

namespace PgEtcd.Frontend.Writing;

/// <summary>Answers the writes that have waited too long for the database.</summary>
/// <param name="timeLimit">How long a write may take.</param>
/// <param name="clock">Measures that time.</param>
internal sealed class Deadlines(TimeSpan timeLimit, TimeProvider clock)
{
    /// <summary>Answers the writes whose time is up.</summary>
    /// <param name="batch">The batch that is under way.</param>
    /// <param name="queue">The writes behind it.</param>
    /// <returns>True if all writes of the batch have expired: no caller waits for it any more.</returns>
    public bool Answer(Batch batch, WriteQueue queue)
    {
        List<PendingWrite> expired = [.. batch.Writes.Where(IsExpired)];
        bool isAbandoned = expired.Count == batch.Writes.Count;
        queue.TryTakeExpired(IsExpired, expired);
        Answers.Give(expired, static write => write.TrySetException(new StoreUnavailableException()), atOnce: false);
        return isAbandoned;
    }

    private bool IsExpired(PendingWrite write) => clock.GetElapsedTime(write.Enqueued) > timeLimit;
}
