using System.Diagnostics;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Writing;

/// <summary>Looks at each batch on its way into the database: a span for traces, and a warning when it takes long, as etcd has it
/// for applying (--warning-apply-duration).</summary>
/// <param name="logger">Where to warn.</param>
/// <param name="slow">What is long.</param>
public sealed class CommitTimer(ILogger logger, TimeSpan slow)
{
    /// <summary>Begins. The caller disposes the span in the same method, when the batch is in.</summary>
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

    /// <summary>Ends: warns if it was long.</summary>
    internal void End(IReadOnlyList<PendingWrite> writes, TimeSpan took)
    {
        if (took > slow)
        {
            Log.SlowCommit(logger, Durations.Format(took), Durations.Format(slow), writes.Count, writes.Sum(write => write.Size));
        }
    }
}
