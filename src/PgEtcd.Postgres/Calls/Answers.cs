namespace PgEtcd.Postgres.Calls;

/// <summary>Releases the callers that wait for the same batch or round trip.</summary>
/// <remarks>A continuation writes one response and takes a few microseconds. If each were queued to the thread pool, as
/// RunContinuationsAsynchronously does, queueing and waking threads would cost as much again; all on one thread would not scale with
/// the cores. So continuations are queued in handfuls, and a single one runs at once.</remarks>
public static class Answers
{
    private const int Handful = 32;

    /// <summary>Calls <paramref name="answer"/> for each of the waiters, soon and on any thread.</summary>
    /// <param name="waiters">The waiters.</param>
    /// <param name="answer">Sets the result of a waiter.</param>
    /// <param name="atOnce">Whether a single waiter may continue on this thread, because the caller has nothing left to do.</param>
    public static void Give<T>(IReadOnlyList<T> waiters, Action<T> answer, bool atOnce)
    {
        if (atOnce && waiters.Count == 1)
        {
            answer(waiters[0]);
            return;
        }

        for (int first = 0; first < waiters.Count; first += Handful)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static work => work.Run(), new Work<T>(waiters, first, Math.Min(first + Handful, waiters.Count), answer),
                preferLocal: false);
        }
    }

    private sealed record Work<T>(IReadOnlyList<T> Waiters, int First, int End, Action<T> Answer)
    {
        public void Run()
        {
            for (int i = First; i < End; i++)
            {
                Answer(Waiters[i]);
            }
        }
    }
}
