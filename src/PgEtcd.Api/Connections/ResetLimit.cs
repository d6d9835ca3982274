using Microsoft.AspNetCore.Connections.Features;

namespace PgEtcd.Api.Connections;

/// <summary>Closes connections of clients that open streams only to reset them (rapid reset, CVE-2023-44487). Kestrel's own defence
/// depends on the limit of concurrent streams, which is high here because watches are long.</summary>
/// <remarks>A connection may reset <see cref="Burst"/> streams, and <see cref="PerSecond"/> more for each second since its first reset:
/// enough for clients that cancel many calls at once.</remarks>
public sealed class ResetLimit(TimeProvider clock, ILogger<ResetLimit> logger)
{
    private const int Burst = 2000;
    private const int PerSecond = 200;
    private static readonly object Key = typeof(ResetLimit);

    /// <summary>Counts the resets. Must come before all other middleware.</summary>
    public RequestDelegate Around(RequestDelegate next) => context =>
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            Count(context); // reset before it was served: it costs no more than this
            return Task.CompletedTask;
        }

        Task serving = next(context);
        return serving.IsCompletedSuccessfully ? serving : WatchAsync(serving, context);
    };

    private async Task WatchAsync(Task serving, HttpContext context)
    {
        try
        {
            await serving;
        }
        finally
        {
            if (context.RequestAborted.IsCancellationRequested)
            {
                Count(context);
            }
        }
    }

    private void Count(HttpContext context)
    {
        Resets resets = ConnectionState.Of(context, Key, () => new Resets(clock.GetTimestamp()));
        if (resets.Add(clock))
        {
            Log.TooManyResets(logger, ConnectionState.Client(context));
            context.Features.Get<IConnectionLifetimeFeature>()?.Abort();
        }
    }

    /// <summary>The resets of a connection.</summary>
    private sealed class Resets(long begun)
    {
        private long _count;
        private int _isClosed;

        /// <summary>Counts one more reset.</summary>
        /// <returns>True once, for the first reset beyond the limit.</returns>
        public bool Add(TimeProvider clock) =>
            Interlocked.Increment(ref _count) > Burst + (PerSecond * clock.GetElapsedTime(begun).TotalSeconds)
            && Interlocked.Exchange(ref _isClosed, 1) == 0;
    }
}
