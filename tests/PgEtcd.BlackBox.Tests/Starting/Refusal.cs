using System.Runtime.InteropServices;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>A start that must fail with one sentence on stderr and an exit code, without a stack trace or a password.</summary>
internal static class Refusal
{
    /// <summary>The password in every connection string of these tests, which must never be printed.</summary>
    public const string Password = "hunter2";

    /// <summary>Starts the executable, which must end within the limit of <see cref="Command"/>, and returns the sentence.</summary>
    public static async Task<string> OfAsync(params string[] arguments)
    {
        CommandResult result = await Command.RunAsync(PgEtcdServer.Program, arguments, environment: new Dictionary<string, string>
        {
            ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
        });
        string sentence = result.Error.TrimEnd('\n');
        result.ExitCode.ShouldBeInRange(1, 2, sentence);
        result.Output.ShouldBeEmpty();
        sentence.ShouldNotBeEmpty();
        sentence.ShouldNotContain("\n");
        sentence.ShouldNotContain("Exception");
        sentence.ShouldNotContain(Password);
        sentence[^1].ShouldBeOneOf('.', '?');
        return sentence;
    }
}
