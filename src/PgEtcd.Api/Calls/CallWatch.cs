using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Calls;

/// <summary>Knows which calls with one answer are under way, for the end of the server, and warns about those that took long, as
/// etcd does (--warning-unary-request-duration).</summary>
public sealed class CallWatch(RequestLimits limits, ILoggerFactory loggers) : ICallObserver
{
    /// <summary>Calls are counted in several places, so that cores do not fight for one. A power of two.</summary>
    private const int Slots = 16;

    /// <summary>Longs in a cache line, and the next one that the processor fetches along.</summary>
    private const int Spacing = 16;

    /// <summary>Only asked at the end of the server; calls would otherwise have to tell of each end.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);

    private readonly long[] _underWay = new long[Slots * Spacing];
    private readonly long _slowTicks = (long)(limits.SlowRequest.TotalSeconds * Stopwatch.Frequency);
    private readonly TimeSpan _slow = limits.SlowRequest;
    private readonly ILogger _logger = loggers.CreateLogger("PgEtcd.Requests");

    /// <summary>Waits until no call with one answer is under way. None may come any more.</summary>
    public async Task NoneUnderWayAsync(CancellationToken cancellationToken)
    {
        while (_underWay.Sum() != 0)
        {
            await Task.Delay(Poll, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void OnBegin() => Count(1);

    /// <inheritdoc/>
    public void OnEnd(object? request, ServerCallContext context, object? ending, long begun)
    {
        Count(-1);
        if (Stopwatch.GetTimestamp() - begun > _slowTicks && _logger.IsEnabled(LogLevel.Warning))
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

    /// <summary>Which slot does not matter: only their sum means something.</summary>
    private void Count(int change) =>
        Interlocked.Add(ref _underWay[(Environment.CurrentManagedThreadId & (Slots - 1)) * Spacing], change);
}
