using Microsoft.Extensions.Logging;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Calls;

/// <summary>Runs work in the background until it is stopped, whatever fails meanwhile.</summary>
/// <remarks>A failure is counted, and the work is tried again after a pause that grows while failures continue. The failure is logged as a
/// warning, unless the database is unavailable, which the waiting requests report.</remarks>
/// <param name="work">The work's name in the log.</param>
/// <param name="clock">Measures the pauses.</param>
/// <param name="logger">Logs the failures.</param>
public sealed class BackgroundLoop(string work, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Takes one turn after the other.</summary>
    /// <param name="period">Time from the end of a turn to the next.</param>
    /// <param name="turn">The work of a turn. It may also run until it is cancelled or fails.</param>
    /// <param name="stopping">Stops the loop.</param>
    /// <param name="startsAtOnce">Whether the first turn does not wait for the period.</param>
    /// <returns>Completes without an exception, and only when stopped.</returns>
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
                // After a turn that ran for long, the pauses begin anew. In an outage they stay short, because the outage may end during a
                // long one.
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
