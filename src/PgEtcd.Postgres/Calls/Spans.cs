using System.Diagnostics;

namespace PgEtcd.Postgres.Calls;

/// <summary>The spans of traces. None is made unless --enable-distributed-tracing is given.</summary>
public static class Spans
{
    /// <summary>The name of the source, for the collector.</summary>
    public const string SourceName = "PgEtcd";

    public static readonly ActivitySource Source = new(SourceName);

    /// <summary>The span of the call that this runs for, if traces are collected.</summary>
    public static Activity? Caller => Source.HasListeners() ? Activity.Current : null;

    /// <summary>What follows in this method is no part of the call that happened to start it: for loops that work for all.</summary>
    public static void LeaveCall()
    {
        if (Source.HasListeners())
        {
            Activity.Current = null;
        }
    }

    /// <summary>Begins work that is done once for several calls: part of the first one's trace, linked to all.</summary>
    /// <param name="name">What is done.</param>
    /// <param name="callers">Their spans, of which some are null or not recorded.</param>
    /// <returns>Null when none of them is recorded. Dispose it in the same method.</returns>
    public static Activity? StartShared(string name, IEnumerable<Activity?> callers)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        LeaveCall();
        Activity[] recorded = [.. callers.OfType<Activity>().Where(caller => caller.Recorded).Distinct()];
        return recorded.Length == 0
            ? null
            : Source.StartActivity(
                ActivityKind.Internal, recorded[0].Context, links: recorded.Select(caller => new ActivityLink(caller.Context)), name: name);
    }
}
