using System.Text.RegularExpressions;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>One invocation of etcdctl.</summary>
internal sealed record EtcdctlCommand(string Line, string? Input = null)
{
    public static implicit operator EtcdctlCommand(string line) => new(line);
}

/// <summary>Runs the same commands of Debian's etcdctl against two servers and compares all that is printed.</summary>
internal static partial class EtcdctlScript
{
    public const string Program = "/usr/bin/etcdctl";
    public static readonly IReadOnlyDictionary<string, string> Version3 = new Dictionary<string, string> { ["ETCDCTL_API"] = "3" };

    public static void SkipIfMissing() =>
        Skip.IfNot(File.Exists(Program), $"{Program} is missing; install Debian's package etcd-client.");

    /// <summary>Runs the commands one after the other on both.</summary>
    /// <returns>What the last one printed.</returns>
    public static async Task<string> RunAsync(IEtcdServer reference, IEtcdServer target, params EtcdctlCommand[] commands)
    {
        string last = "";
        foreach (EtcdctlCommand command in commands)
        {
            Task<string> expected = RunAsync(reference, command);
            string actual = await RunAsync(target, command);
            last = await expected;
            actual.ShouldBe(last, $"etcdctl {command.Line}");
        }
        return last;
    }

    /// <summary>Runs one command.</summary>
    /// <returns>What it printed, without who answered.</returns>
    public static async Task<string> RunAsync(IEtcdServer server, EtcdctlCommand command)
    {
        CommandResult result = await Command.RunAsync(Program, Arguments(server, command.Line), command.Input, Version3);
        // Besides its errors etcdctl logs what its client does, with times and addresses.
        IEnumerable<string> errors = result.Error.Split('\n').Where(line => line.StartsWith("Error: ", StringComparison.Ordinal));
        return $"exit code {result.ExitCode}\n{WithoutIdentity(result.Output)}{string.Join('\n', errors)}";
    }

    /// <summary>The arguments that run a line against a server.</summary>
    public static IEnumerable<string> Arguments(IEtcdServer server, string line) => ["--endpoints", server.ClientUrl.Authority, .. Words(line)];

    /// <summary>What was printed, without who answered.</summary>
    public static string WithoutIdentity(string output) => Identity().Replace(output, "$1*");

    /// <summary>The words of a line; <c>''</c> is an empty one, <c>\xff</c> a byte.</summary>
    private static IEnumerable<string> Words(string line) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word == "''" ? "" : word);

    /// <summary>Who answered, in the output formats json and fields.</summary>
    [GeneratedRegex("""("(?:cluster_id|member_id|raft_term)":|"(?:ClusterID|MemberID|RaftTerm)" : )\d+""")]
    private static partial Regex Identity();
}
