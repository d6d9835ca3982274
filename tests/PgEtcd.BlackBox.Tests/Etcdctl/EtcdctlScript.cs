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
    private const string Program = "/usr/bin/etcdctl";

    /// <summary>What a command's line calls the lease granted last.</summary>
    private const string Lease = "{lease}";

    private static readonly Dictionary<string, string> Version3 = new() { ["ETCDCTL_API"] = "3" };

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

    private static async Task<string> RunAsync(IEtcdServer server, EtcdctlCommand command, Dictionary<IEtcdServer, string> leases)
    {
        string? lease;
        lock (leases)
        {
            lease = leases.GetValueOrDefault(server);
        }

        CommandResult result = await Command.RunAsync(
            Program, ["--endpoints", server.ClientUrl.Authority, .. Words(command.Line.Replace(Lease, lease, StringComparison.Ordinal))], command.Input, Version3);
        if (Granted().Match(result.Output) is { Success: true } granted)
        {
            lease = granted.Groups[1].Value;
            lock (leases)
            {
                leases[server] = lease;
            }
        }

        // Besides its errors etcdctl logs what its client does, with times and addresses.
        IEnumerable<string> errors = result.Error.Split('\n').Where(line => line.StartsWith("Error: ", StringComparison.Ordinal));
        string output = Remaining().Replace(Identity().Replace(result.Output, "$1*"), "$1*");
        if (lease is not null)
        {
            output = output.Replace(lease, Lease, StringComparison.Ordinal)
                .Replace(long.Parse(lease, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture), Lease, StringComparison.Ordinal);
        }

        return $"exit code {result.ExitCode}\n{output}{string.Join('\n', errors)}";
    }

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
