using FsCheck;
using FsCheck.Fluent;

namespace PgEtcd.Mvcc.Tests;

/// <summary>Runs FsCheck in plain facts. A failure names the seed with which <see cref="Replay"/> repeats it.</summary>
internal static class Properties
{
    /// <summary>Set PGETCD_FSCHECK_REPLAY to "seed,gamma" of a failure to repeat exactly that case.</summary>
    private static string? Replay => Environment.GetEnvironmentVariable("PGETCD_FSCHECK_REPLAY");

    public static void Hold<T>(Gen<T> inputs, Action<T> check, int count)
    {
        Config config = Config.QuickThrowOnFailure.WithMaxTest(count).WithStartSize(50).WithEndSize(50);
        if (Replay?.Split(',') is [string seed, string gamma])
        {
            config = config.WithReplay(ulong.Parse(seed, null), ulong.Parse(gamma, null));
        }

        Prop.ForAll(inputs.ToArbitrary(), check).Check(config);
    }
}
