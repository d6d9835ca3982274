using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Tests of the test tools, with real etcd on both sides; they run only when asked for.</summary>
internal static class SelfTest
{
    public static void SkipUnlessAsked() =>
        Skip.If(
            Environment.GetEnvironmentVariable("PGETCD_SELFTEST") is not "1",
            "Tries the test tools on real etcd; set PGETCD_SELFTEST=1 to run it.");
}
