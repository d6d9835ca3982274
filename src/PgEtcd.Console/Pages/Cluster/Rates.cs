namespace PgEtcd.Console.Pages.Cluster;

/// <summary>Samples the counters of this frontend over the last 15 minutes, from the first use of the console on.</summary>
internal sealed class Rates
{
    private const int Most = 180;

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<Sample> _samples = new();
    private readonly Func<CounterReading> _counters;

    public Rates(Func<CounterReading> counters, CancellationToken stopping)
    {
        _counters = counters;
        Take();
        _ = RunAsync(stopping);
    }

    /// <summary>A reading of the counters.</summary>
    /// <param name="At">A <see cref="System.Diagnostics.Stopwatch"/> timestamp.</param>
    private readonly record struct Sample(long At, CounterReading Counters);

    /// <summary>The charts, one point for each pair of successive readings.</summary>
    public IReadOnlyList<Chart> Read()
    {
        Take();
        Sample[] samples;
        lock (_gate)
        {
            samples = [.. _samples];
        }

        return
        [
            Rate("Puts", "/s", samples, counters => counters.Puts),
            Rate("Deletes", "/s", samples, counters => counters.Deletes),
            Rate("Ranges", "/s", samples, counters => counters.Ranges),
            Rate("Events to watchers", "/s", samples, counters => counters.Events),
            Rate("Batches", "/s", samples, counters => counters.Commits),
            new Chart("Time to commit a batch", "ms", Points(samples, (before, after, _) =>
                after.Commits > before.Commits
                    ? 1000 * (after.CommitSeconds - before.CommitSeconds) / (after.Commits - before.Commits)
                    : 0)),
        ];
    }

    private static Chart Rate(string name, string unit, Sample[] samples, Func<CounterReading, double> counter) =>
        new(name, unit, Points(samples, (before, after, seconds) => (counter(after) - counter(before)) / seconds));

    private static List<double> Points(Sample[] samples, Func<CounterReading, CounterReading, double, double> point)
    {
        List<double> points = [];
        for (int i = 1; i < samples.Length; i++)
        {
            double seconds = TimeProvider.System.GetElapsedTime(samples[i - 1].At, samples[i].At).TotalSeconds;
            points.Add(seconds > 0 ? Math.Max(0, point(samples[i - 1].Counters, samples[i].Counters, seconds)) : 0);
        }

        return points;
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        using PeriodicTimer timer = new(Step);
        await using CancellationTokenRegistration ending = stopping.Register(timer.Dispose); // ends the loop
        while (await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            Take();
        }
    }

    private void Take()
    {
        Sample sample = new(TimeProvider.System.GetTimestamp(), _counters());
        lock (_gate)
        {
            if (_samples.Count > 0 && TimeProvider.System.GetElapsedTime(_samples.Last().At, sample.At) < Step / 2)
            {
                return;
            }

            _samples.Enqueue(sample);
            if (_samples.Count > Most)
            {
                _samples.Dequeue();
            }
        }
    }
}

/// <summary>A small chart.</summary>
/// <param name="Points">The values, oldest first, five seconds apart.</param>
public sealed record Chart(string Name, string Unit, IReadOnlyList<double> Points);
