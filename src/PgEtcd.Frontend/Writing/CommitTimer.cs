using System.Diagnostics;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Writing;

/// <summary>Times each batch on its way into the database: a span for traces, and a warning if the commit is slow
/// (--warning-apply-duration).</summary>
/// <param name="logger">Receives the warnings.</param>
/// <param name="slow">The duration above which a commit is slow.</param>
public sealed class CommitTimer(ILogger logger, TimeSpan slow)
{
    /// <summary>Starts the span. The caller disposes of it in the same method, when the batch is committed.</summary>
    internal static Activity? Start(Batch batch)
    {
        if (!Spans.Source.HasListeners())
        {
            return null;
        }

        Activity? span = Spans.StartShared("commit batch", batch.Writes.Select(write => write.Span));
        span?.SetTag("pgetcd.batch.writes", batch.Writes.Count);
        return span;
    }

    /// <summary>Warns if the commit was slow.</summary>
    internal void End(IReadOnlyList<PendingWrite> writes, TimeSpan took)
    {
        if (took > slow)
        {
            Log.SlowCommit(logger, Durations.Format(took), Durations.Format(slow), writes.Count, writes.Sum(write => write.Size));
        }
    }
}
