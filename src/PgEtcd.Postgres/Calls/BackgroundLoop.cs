using Microsoft.Extensions.Logging;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Calls;

/// <summary>Work that goes on in the background until it is told to end, whatever happens meanwhile.</summary>
/// <remarks>A failure is counted, and the work is tried again after a pause that grows while it keeps failing. It is a warning, unless the
/// database is away, which the waiting requests report.</remarks>
/// <param name="work">What is done, for the log.</param>
/// <param name="clock">Measures the pauses.</param>
/// <param name="logger">Gets the failures.</param>
public sealed class BackgroundLoop(string work, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Takes one turn after the other.</summary>
    /// <param name="period">From the end of one turn to the next.</param>
    /// <param name="turn">What is done. It may also go on by itself until it is cancelled or fails.</param>
    /// <param name="stopping">Ends it.</param>
    /// <param name="startsAtOnce">Whether the first turn does not wait for the period.</param>
    /// <returns>Ends without an exception when it is told to, and only then.</returns>
    public async Task RunAsync(
        TimeSpan period, Func<CancellationToken, Task> turn, CancellationToken stopping, bool startsAtOnce = false)
    {
        TimeSpan pause = startsAtOnce ? TimeSpan.Zero : period;
        TimeSpan penalty = TimeSpan.Zero;
        while (true)
        {
            await Task.Delay(pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
            {
                return;
            }

            long started = clock.GetTimestamp();
            try
            {
                await turn(stopping);
                penalty = TimeSpan.Zero;
            }
            catch (Exception exception)
            {
                if (stopping.IsCancellationRequested)
                {
                    return;
                }

                bool isHarmless = exception is OperationCanceledException or StoreUnavailableException
                    || DatabaseErrors.IsTransient(exception);
                // After a good while the pauses begin anew; an outage ends before a long pause would.
                penalty = isHarmless || clock.GetElapsedTime(started) > LongestPause ? FirstPause
                    : TimeSpan.FromTicks(Math.Clamp(penalty.Ticks * 2, FirstPause.Ticks, LongestPause.Ticks));
                Report(exception, isHarmless, penalty);
            }

            pause = period > penalty ? period : penalty;
        }
    }

    private void Report(Exception exception, bool isHarmless, TimeSpan pause)
    {
        DatabaseMetrics.Failed(exception);
        if (exception is not OperationCanceledException)
        {
            DatabaseMetrics.BackgroundFailures.Add(1);
        }

        if (!isHarmless)
        {
            Log.BackgroundFailed(logger, work, pause.TotalSeconds, exception.GetBaseException().Message);
        }
    }
}
