using PgEtcd.Testing;
using PgEtcd.Testing.Processes;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>One invocation of etcdctl.</summary>
internal sealed record EtcdctlCommand(string Line, string? Input = null)
{
    public static implicit operator EtcdctlCommand(string line) => new(line);
}

/// <summary>Runs Debian's etcdctl.</summary>
internal static class EtcdctlScript
{
    public const string Program = "/usr/bin/etcdctl";
    public static readonly IReadOnlyDictionary<string, string> Version3 = new Dictionary<string, string> { ["ETCDCTL_API"] = "3" };

    /// <summary>Skips the test if the program is missing, except in CI.</summary>
    public static void Require() => Tool.Require(Program, "etcd-client");

    /// <summary>Runs one command.</summary>
    /// <returns>The exit code and the output.</returns>
    public static async Task<string> RunAsync(IEtcdServer server, EtcdctlCommand command)
    {
        CommandResult result = await Command.RunAsync(Program, Arguments(server, command.Line), command.Input, Version3);
        // etcdctl logs its client's activity, with times and addresses, as JSON beside its errors.
        IEnumerable<string> errors = result.Error.Split('\n').Where(line => line.Length > 0 && line[0] != '{');
        return $"exit code {result.ExitCode}\n{result.Output}{string.Join('\n', errors)}";
    }

    /// <summary>Starts a command that runs until it is interrupted.</summary>
    public static ChildProcess Start(IEtcdServer server, string line) =>
        ChildProcess.Start($"etcdctl {line}", Program, Arguments(server, line), Version3);

    /// <summary>The arguments that run a line against a server.</summary>
    public static IEnumerable<string> Arguments(IEtcdServer server, string line) =>
        ["--endpoints", server.ClientUrl.Authority, .. Words(line)];

    /// <summary>The words of a line; <c>''</c> is an empty one.</summary>
    private static IEnumerable<string> Words(string line) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word == "''" ? "" : word);
}
