using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Tests of the test tools, with real etcd on both sides; they run only on request.</summary>
internal static class SelfTest
{
    public static void SkipUnlessAsked() =>
        Skip.If(
            Environment.GetEnvironmentVariable("TESTED_SELFTEST") is not "1",
            "Tries the test tools on real etcd; set TESTED_SELFTEST=1 to run it.");
}
