using System.Diagnostics;
using Spectre.Console;

namespace PgEtcd.Verbs.Output;

/// <summary>Shows the progress of long work on stderr: a bar on a terminal, else a line every few seconds.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Runs one step of the work.</summary>
    /// <param name="what">Its name in the display: "importing".</param>
    /// <param name="total">The amount of work; 0 if unknown.</param>
    /// <param name="work">The step, which reports the amount done to its argument.</param>
    public static Task<T> StepAsync<T>(string what, long total, Func<Action<long>, Task<T>> work) =>
        Console.IsErrorRedirected ? WithLinesAsync(what, total, work) : WithBarAsync(what, total, work);

    /// <summary>Reports every 4096th of many small pieces of work.</summary>
    public static void ReportNowAndThen(long done, Action<long> report)
    {
        if (done % 4096 == 0)
        {
            report(done);
        }
    }

    private static Task<T> WithLinesAsync<T>(string what, long total, Func<Action<long>, Task<T>> work)
    {
        long last = Stopwatch.GetTimestamp();
        return work(done =>
        {
            if (Stopwatch.GetElapsedTime(last) >= Pause)
            {
                last = Stopwatch.GetTimestamp();
                Console.Error.WriteLine(total > 0 ? $"{what}: {done} of {total}" : $"{what}: {done}");
            }
        });
    }

    private static Task<T> WithBarAsync<T>(string what, long total, Func<Action<long>, Task<T>> work) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask(what, maxValue: Math.Max(1, total));
                task.IsIndeterminate = total == 0;
                T result = await work(done => task.Value = total == 0 ? 0 : done);
                task.IsIndeterminate = false;
                task.Value = task.MaxValue;
                return result;
            });
}
