using System.Text.RegularExpressions;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>Debian's etcdctl prints the same with real etcd and with PgEtcd: <see cref="EtcdctlSubcommands"/>.</summary>
public sealed partial class EtcdctlSubcommandTests(EtcdctlPair pair) : IClassFixture<EtcdctlPair>
{
    public static TheoryData<string> Names => [.. EtcdctlSubcommands.All.Keys];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public async Task A_subcommand_prints_the_same_as_with_real_etcd(string name)
    {
        EtcdctlScript.Require();
        EtcdServer.Require();
        await RunAsync(pair, name);
    }

    [SkippableFact]
    public async Task The_list_has_every_subcommand_that_etcdctl_has()
    {
        EtcdctlScript.Require();
        CommandResult help = await Command.RunAsync(EtcdctlScript.Program, ["--help"], environment: EtcdctlScript.Version3);
        string[] named = [
            .. Named().Matches(help.Output.Split("COMMANDS:")[1].Split("OPTIONS:")[0]).Select(match => match.Groups[1].Value)];
        named.Length.ShouldBeGreaterThan(50);
        EtcdctlSubcommands.All.Keys.ShouldBe(named, ignoreOrder: true);
    }

    /// <summary>Tests the runs: two real etcds must show no difference.</summary>
    [SkippableFact]
    [Trait("Category", "SelfTest")]
    public async Task Two_real_etcds_print_the_same()
    {
        SelfTest.SkipUnlessAsked();
        EtcdctlScript.Require();
        EtcdctlPair etcds = EtcdctlPair.Of(await EtcdctlPair.StartEtcdAsync(), await EtcdctlPair.StartEtcdAsync());
        try
        {
            foreach (string name in EtcdctlSubcommands.All.Keys)
            {
                await RunAsync(etcds, name);
            }
        }
        finally
        {
            await etcds.DisposeAsync();
        }
    }

    private static async Task RunAsync(EtcdctlPair pair, string name)
    {
        await pair.BeginAsync();
        await EtcdctlSubcommands.All[name](pair);
        pair.Lines.ShouldContain(line => line == name || line.StartsWith(name + " ", StringComparison.Ordinal), $"what is run of {name}");
    }

    /// <summary>A tab, the name, and a tab or more.</summary>
    [GeneratedRegex(@"^\t(\S[^\t]*)\t+\S", RegexOptions.Multiline)]
    private static partial Regex Named();
}
