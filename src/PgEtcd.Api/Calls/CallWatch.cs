using System.Diagnostics;
using Grpc.Core;
using Grpc.Core.Interceptors;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Calls;

/// <summary>Knows which calls with one answer are under way, for the end of the server, and warns about those that took long, as
/// etcd does (--warning-unary-request-duration).</summary>
public sealed class CallWatch(RequestLimits limits, ILoggerFactory loggers) : Interceptor
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
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        long started = Stopwatch.GetTimestamp();
        Count(1);
        Task<TResponse> answer;
        try
        {
            answer = continuation(request, context);
        }
        catch
        {
            Count(-1);
            throw;
        }

        if (!answer.IsCompletedSuccessfully)
        {
            return WaitAsync(answer, request, context, started);
        }

        End(request, context, answer.Result, started);
        return answer;
    }

    private async Task<TResponse> WaitAsync<TRequest, TResponse>(
        Task<TResponse> answer, TRequest request, ServerCallContext context, long started)
    {
        object? ending = null;
        try
        {
            TResponse response = await answer;
            ending = response;
            return response;
        }
        catch (Exception exception)
        {
            ending = exception;
            throw;
        }
        finally
        {
            End(request, context, ending, started);
        }
    }

    /// <summary>Which slot does not matter: only their sum means something.</summary>
    private void Count(int change) =>
        Interlocked.Add(ref _underWay[(Environment.CurrentManagedThreadId & (Slots - 1)) * Spacing], change);

    private void End(object? request, ServerCallContext context, object? ending, long started)
    {
        Count(-1);
        if (Stopwatch.GetTimestamp() - started > _slowTicks && _logger.IsEnabled(LogLevel.Warning))
        {
            Log.SlowRequest(
                _logger,
                context.Method,
                Durations.Format(Stopwatch.GetElapsedTime(started)),
                Durations.Format(_slow),
                context.Peer,
                CallShapes.OfRequest(request),
                CallShapes.OfEnding(ending));
        }
    }
}
