namespace PgEtcd.Postgres.Calls;

/// <summary>Releases the callers that waited for the same batch or round trip.</summary>
/// <remarks>A continuation writes one response, a few microseconds. Queued one by one to the thread pool, as
/// RunContinuationsAsynchronously does, the queueing and the waking of threads cost as much again; all on one thread would
/// not scale with the cores. So they go in handfuls, and a single one goes at once.</remarks>
public static class Answers
{
    private const int Handful = 32;

    /// <summary>Calls <paramref name="answer"/> for each of the waiters, somewhere, soon.</summary>
    /// <param name="waiters">All of them.</param>
    /// <param name="answer">Sets one's result.</param>
    /// <param name="atOnce">A single one may go on here: the caller has nothing more to do.</param>
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
