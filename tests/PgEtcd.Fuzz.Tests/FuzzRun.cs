using System.Diagnostics;
using System.Globalization;

namespace PgEtcd.Fuzz.Tests;

/// <summary>
/// Attempts, each with its own seed, always the same ones. With FUZZ_SECONDS=n new ones for n seconds, with FUZZ_SEED=n only
/// that one. </summary>
internal static class FuzzRun
{
    /// <summary>Longer than any attempt takes; one that takes longer hangs.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Makes attempts, several at a time.</summary>
    /// <param name="usual">The default number of attempts.</param>
    /// <param name="atOnce">The number of attempts at a time.</param>
    /// <param name="attempt">Throws if the answer is not one that a hostile client may get.</param>
    /// <param name="tell">Describes what the attempt with a seed sends, for investigating a failure.</param>
    public static async Task AllAsync(int usual, int atOnce, Func<int, Task> attempt, Func<int, string>? tell = null)
    {
        IEnumerator<int> seeds = Seeds(usual).GetEnumerator();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            while (Next(seeds) is { } seed)
            {
                try
                {
                    await attempt(seed).WaitAsync(Limit);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"FUZZ_SEED={seed} does it again: {e.Message} {tell?.Invoke(seed)}", e);
                }
            }
        })));
    }

    private static int? Next(IEnumerator<int> seeds)
    {
        lock (seeds)
        {
            return seeds.MoveNext() ? seeds.Current : null;
        }
    }

    private static IEnumerable<int> Seeds(int usual)
    {
        if (Number("FUZZ_SEED") is { } seed)
        {
            return [seed];
        }

        if (Number("FUZZ_SECONDS") is not { } seconds)
        {
            return Enumerable.Range(1, usual);
        }

        Stopwatch clock = Stopwatch.StartNew();
        return Enumerable.Range(Random.Shared.Next(1 << 30), int.MaxValue / 2).TakeWhile(_ => clock.Elapsed.TotalSeconds < seconds);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
