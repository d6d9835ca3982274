using System.Globalization;
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

    /// <summary>What a command's line calls the lease granted last.</summary>
    private const string Lease = "{lease}";

    public static void SkipIfMissing() =>
        Skip.IfNot(File.Exists(Program), $"{Program} is missing; install Debian's package etcd-client.");

    /// <summary>Runs the commands one after the other on both.</summary>
    /// <returns>What the last one printed.</returns>
    public static async Task<string> RunAsync(IEtcdServer reference, IEtcdServer target, params EtcdctlCommand[] commands)
    {
        string last = "";
        Dictionary<IEtcdServer, string> leases = [];
        foreach (EtcdctlCommand command in commands)
        {
            Task<string> expected = RunAsync(reference, command, leases);
            string actual = await RunAsync(target, command, leases);
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

    private static async Task<string> RunAsync(IEtcdServer server, EtcdctlCommand command, Dictionary<IEtcdServer, string> leases)
    {
        string? lease;
        lock (leases)
        {
            lease = leases.GetValueOrDefault(server);
        }

        string printed = await RunAsync(server, command with { Line = command.Line.Replace(Lease, lease, StringComparison.Ordinal) });
        if (Granted().Match(printed) is { Success: true } granted)
        {
            lease = granted.Groups[1].Value;
            lock (leases)
            {
                leases[server] = lease;
            }
        }

        printed = Remaining().Replace(printed, "$1*");
        return lease is null
            ? printed
            : printed.Replace(lease, Lease, StringComparison.Ordinal)
                .Replace(long.Parse(lease, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture), Lease, StringComparison.Ordinal);
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

    /// <summary>Each server chooses an id of its own.</summary>
    [GeneratedRegex("^lease ([0-9a-f]{8,16}) granted", RegexOptions.Multiline)]
    private static partial Regex Granted();

    /// <summary>What is left of a lease: a second may pass between the two.</summary>
    [GeneratedRegex("""(remaining\(|"ttl":|"TTL" : )\d+""")]
    private static partial Regex Remaining();
}
