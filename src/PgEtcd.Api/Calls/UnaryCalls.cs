using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Calls;

/// <summary>Counts the unary calls under way, for the end of the server, and warns about slow ones, as etcd does
/// (--warning-unary-request-duration).</summary>
public sealed class UnaryCalls(RequestLimits limits, ILoggerFactory loggers)
{
    /// <summary>Several counters, so that cores do not compete for one. A power of two.</summary>
    private const int Slots = 16;

    /// <summary>Longs in a cache line and in the next one, which the processor fetches along.</summary>
    private const int Spacing = 16;

    /// <summary>Only the end of the server asks. Otherwise each call would have to signal its end.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);

    private readonly long[] _underWay = new long[Slots * Spacing];
    private readonly long _slowTicks = (long)(limits.SlowRequest.TotalSeconds * Stopwatch.Frequency);
    private readonly TimeSpan _slow = limits.SlowRequest;
    private readonly ILogger _logger = loggers.CreateLogger("PgEtcd.Requests");

    /// <summary>Waits until no unary call is under way. New ones must not arrive any more.</summary>
    public async Task NoneUnderWayAsync(CancellationToken cancellationToken)
    {
        while (_underWay.Sum() != 0)
        {
            await Task.Delay(Poll, cancellationToken);
        }
    }

    internal void Begin() => Count(1);

    /// <summary>Ends a call.</summary>
    /// <param name="request">Its request.</param>
    /// <param name="context">The call.</param>
    /// <param name="ending">Its response or an exception.</param>
    /// <param name="begun">When it began, a timestamp of Stopwatch.</param>
    internal void End(object? request, ServerCallContext context, object? ending, long begun)
    {
        Count(-1);
        if (Stopwatch.GetTimestamp() - begun > _slowTicks && !Rehearsal.IsOn && _logger.IsEnabled(LogLevel.Warning))
        {
            Log.SlowRequest(
                _logger,
                context.Method,
                Durations.Format(Stopwatch.GetElapsedTime(begun)),
                Durations.Format(_slow),
                context.Peer,
                CallShapes.OfRequest(request),
                CallShapes.OfEnding(ending));
        }
    }

    /// <summary>Adds to any of the counters: only their sum has a meaning.</summary>
    private void Count(int change) =>
        Interlocked.Add(ref _underWay[(Environment.CurrentManagedThreadId & (Slots - 1)) * Spacing], change);
}
