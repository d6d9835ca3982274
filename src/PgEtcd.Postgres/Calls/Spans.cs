using System.Diagnostics;

namespace PgEtcd.Postgres.Calls;

/// <summary>The spans of traces. None is created without --enable-distributed-tracing.</summary>
public static class Spans
{
    /// <summary>The name of the source, for the collector.</summary>
    public const string SourceName = "PgEtcd";

    public static readonly ActivitySource Source = new(SourceName);

    /// <summary>The span of the current call if traces are collected.</summary>
    public static Activity? Caller => Source.HasListeners() ? Activity.Current : null;

    /// <summary>Detaches the rest of a method from the call that happened to start it, for loops that work for all calls.</summary>
    public static void LeaveCall()
    {
        if (Source.HasListeners())
        {
            Activity.Current = null;
        }
    }

    /// <summary>Begins work that is done once for several calls. Its span is part of the first call's trace and linked to all.</summary>
    /// <param name="name">The work's name.</param>
    /// <param name="callers">The calls' spans, some of which may be null or not recorded.</param>
    /// <returns>Null if no span is recorded. Must be disposed of in the same method.</returns>
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
