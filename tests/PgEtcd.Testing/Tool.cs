using Xunit;

namespace PgEtcd.Testing;

/// <summary>Programs of other packages that tests need.</summary>
public static class Tool
{
    /// <summary>Whether this is a CI run, where all tools that can be installed are installed.</summary>
    public static bool IsCi => Environment.GetEnvironmentVariable("CI") is "true" or "1";

    /// <summary>Skips the test with a sentence if the tool is missing; in CI the test fails.</summary>
    /// <param name="path">A file or directory of the tool.</param>
    /// <param name="package">The Debian package.</param>
    public static void Require(string path, string package)
    {
        if (Path.Exists(path))
        {
            return;
        }

        string sentence = $"{path} is missing; install Debian's package {package}.";
        if (IsCi)
        {
            throw new InvalidOperationException($"{sentence} In CI no test is skipped for want of a tool.");
        }

        Skip.If(true, sentence);
    }
}
