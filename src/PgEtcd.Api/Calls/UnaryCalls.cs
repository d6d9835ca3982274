using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Calls;

/// <summary>Counts the unary calls under way, so that a stopping server can wait for them, and warns about slow ones as etcd does
/// (--warning-unary-request-duration).</summary>
public sealed class UnaryCalls(RequestLimits limits, ILoggerFactory loggers)
{
    /// <summary>Several counters, so that cores do not compete for one. A power of two.</summary>
    private const int Slots = 16;

    /// <summary>Longs in two cache lines: the processor fetches the adjacent line too.</summary>
    private const int Spacing = 16;

    /// <summary>Polling is enough, because only a stopping server waits; otherwise each call would have to signal its end.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);

    private readonly long[] _underWay = new long[Slots * Spacing];
    private readonly ILogger _logger = loggers.CreateLogger("PgEtcd.Requests");

    /// <summary>Waits until no unary call is under way. No new calls may arrive meanwhile.</summary>
    public async Task NoneUnderWayAsync(CancellationToken cancellationToken)
    {
        while (_underWay.Sum() != 0)
        {
            await Task.Delay(Poll, cancellationToken);
        }
    }

    internal void Begin() => Count(1);

    /// <summary>Counts the end of a call, and warns if the call was slow.</summary>
    /// <param name="request">The request.</param>
    /// <param name="context">The call.</param>
    /// <param name="ending">The response or an exception.</param>
    /// <param name="begun">The start of the call, a timestamp of Stopwatch.</param>
    internal void End(object? request, ServerCallContext context, object? ending, long begun)
    {
        Count(-1);
        if (Stopwatch.GetElapsedTime(begun) > limits.SlowRequest && !Rehearsal.IsOn && _logger.IsEnabled(LogLevel.Warning))
        {
            Log.SlowRequest(
                _logger,
                context.Method,
                Durations.Format(Stopwatch.GetElapsedTime(begun)),
                Durations.Format(limits.SlowRequest),
                context.Peer,
                CallShapes.OfRequest(request),
                CallShapes.OfEnding(ending));
        }
    }

    /// <summary>Adds to any of the counters; only their sum is meaningful.</summary>
    private void Count(int change) =>
        Interlocked.Add(ref _underWay[(Environment.CurrentManagedThreadId & (Slots - 1)) * Spacing], change);
}
