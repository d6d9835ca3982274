using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Python;

/// <summary>Runs the scripts of this folder, which use Debian's python3-etcd3.</summary>
internal static class PythonScript
{
    private const string Program = "/usr/bin/python3"; // another Python in the path does not see Debian's packages
    private const string Package = "/usr/lib/python3/dist-packages/etcd3/__init__.py";

    /// <summary>The scripts, without their extension.</summary>
    public static IReadOnlyList<string> All { get; } = ["watches", "locks", "leases", "transactions"];

    public static TheoryData<string> Names => [.. All];

    public static async Task RunAsync(IEtcdServer server, string name)
    {
        Tool.Require(Package, "python3-etcd3");
        string script = Path.Combine(Repository.Root, "tests", "PgEtcd.BlackBox.Tests", "Python", $"{name}.py");
        Dictionary<string, string> clean = new() { ["PYTHONDONTWRITEBYTECODE"] = "1" };
        CommandResult result = await Command.RunAsync(
            Program, [script, server.ClientUrl.Host, $"{server.ClientUrl.Port}"], environment: clean);
        (result.ExitCode, result.Output + result.Error).ShouldBe((0, ""), $"{name}.py against {server.Kind}, which said:\n{server.Output}");
    }
}
