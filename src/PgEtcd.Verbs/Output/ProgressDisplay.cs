using System.Diagnostics;
using Spectre.Console;

namespace PgEtcd.Verbs.Output;

/// <summary>The displays of progress, on stderr: a bar on a terminal, else a line every few seconds.</summary>
internal static class ProgressDisplay
{
    /// <summary>The display for the kind of stderr.</summary>
    public static IProgressDisplay ForTerminal() => Console.IsErrorRedirected ? new Lines(Console.Error) : new Bars();

    /// <summary>A line every few seconds, for logs.</summary>
    internal sealed class Lines(TextWriter output) : IProgressDisplay
    {
        private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

        public Task<T> StepAsync<T>(string what, long total, Func<Action<long>, Task<T>> work)
        {
            long last = Stopwatch.GetTimestamp();
            return work(done =>
            {
                if (Stopwatch.GetElapsedTime(last) >= Pause)
                {
                    last = Stopwatch.GetTimestamp();
                    output.WriteLine(total > 0 ? $"{what}: {done} of {total}" : $"{what}: {done}");
                }
            });
        }
    }

    private sealed class Bars : IProgressDisplay
    {
        private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

        public Task<T> StepAsync<T>(string what, long total, Func<Action<long>, Task<T>> work) => _console.Progress()
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
}
