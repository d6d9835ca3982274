using System.Net;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Deployment;

/// <summary>The topology of docker-compose.yml with processes instead of containers.</summary>
public sealed class BalancerTests(BalancedFrontends three) : IClassFixture<BalancedFrontends>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Balancer? _balancer = three.Balancer;

    [SkippableFact]
    public async Task Its_configuration_has_no_error_and_no_warning()
    {
        Balancer.Require();
        CommandResult check = await Balancer.CheckAsync();
        (check.ExitCode, check.Output + check.Error).ShouldBe((0, "Configuration file is valid\n"));
    }

    [SkippableFact]
    public async Task Etcdctl_puts_gets_and_locks_through_it()
    {
        Balancer.Require();
        EtcdctlScript.Require();
        for (int i = 0; i < 10; i++)
        {
            (await EtcdctlScript.RunAsync(_balancer!, $"put key {i}")).ShouldStartWith("exit code 0\nOK");
            (await EtcdctlScript.RunAsync(_balancer!, "get key --print-value-only")).ShouldStartWith($"exit code 0\n{i}");
        }

        (await EtcdctlScript.RunAsync(_balancer!, "lock name -- echo held")).ShouldStartWith("exit code 0\nheld");
        (await EtcdctlScript.RunAsync(_balancer!, "get none -w json --endpoints " + _balancer!.ClientUrl.Authority))
            .ShouldContain("header");
    }

    [SkippableFact]
    public async Task Etcdctl_watches_through_it_and_misses_nothing_while_each_frontend_in_turn_is_killed()
    {
        Balancer.Require();
        EtcdctlScript.Require();
        await using ChildProcess watch = ChildProcess.Start(
            "etcdctl watch", EtcdctlScript.Program, EtcdctlScript.Arguments(_balancer!, "watch key --rev=1"), EtcdctlScript.Version3);
        int puts = 0;
        for (int killed = 0; killed < 3; killed++)
        {
            await PutAndSeeAsync(watch, puts++);
            await three.KillAsync(killed);
            await PutAndSeeAsync(watch, puts++);
            await three.StartAsync(killed);
            await PutAndSeeAsync(watch, puts++);
        }

        watch.Output.Split('\n').Where(line => line.StartsWith("value", StringComparison.Ordinal))
            .ShouldBe(Enumerable.Range(0, puts).Select(number => $"value{number}"));
    }

    [SkippableFact]
    public async Task Health_and_version_are_served_on_the_same_port_in_HTTP_1()
    {
        Balancer.Require();
        using HttpClient http = new() { BaseAddress = _balancer!.ClientUrl, DefaultRequestVersion = new Version(1, 1) };
        (await http.GetStringAsync(new Uri("health", UriKind.Relative))).ShouldContain("\"health\":\"true\"");
        (await http.GetStringAsync(new Uri("version", UriKind.Relative))).ShouldContain("etcdserver");
    }

    [SkippableFact]
    public async Task Big_requests_and_answers_and_many_streams_pass()
    {
        Balancer.Require();
        await using Kv kv = new(_balancer!);
        string big = new('v', 1_500_000);
        for (int i = 0; i < 8; i++)
        {
            await kv.PutAsync($"big{i}", big);
        }

        (await kv.SendAsync(Range("big", end: "bih"))).Kvs.Sum(pair => pair.Value.Length).ShouldBe(8 * big.Length);
        List<WatchCall> watches = [];
        for (int i = 0; i < 300; i++)
        {
            WatchCall watch = new(kv.Channel);
            watches.Add(watch);
            await watch.CreatedAsync(WatchCall.Key("watched"));
        }

        await kv.PutAsync("watched", "1");
        foreach (WatchCall watch in watches)
        {
            (await watch.NextAsync()).Events.ShouldHaveSingleItem().Kv.Value.ToStringUtf8().ShouldBe("1");
            await watch.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task A_slow_reader_does_not_hold_up_others_on_its_connection()
    {
        Balancer.Require();
        await using Kv kv = new(_balancer!);
        string big = new('v', 1_000_000);
        for (int i = 0; i < 8; i++)
        {
            await kv.PutAsync($"big{i}", big);
        }

        // A stream with 8 MB of answers that are not read.
        WatchCall slow = new(kv.Channel);
        await slow.CreateAsync(WatchCall.Prefix("big", start: 1));
        for (int i = 0; i < 50; i++)
        {
            await kv.SendAsync(Put("quick", $"{i}"), Eventually.Patience); // if the connection were blocked, this would never arrive
        }

        await slow.DisposeAsync();
    }

    /// <summary>Fault A6.</summary>
    [SkippableFact]
    public async Task The_audit_names_the_client_and_not_the_balancer()
    {
        Balancer.Require();
        await using GrpcChannel client = new(_balancer!.ClientUrl, from: IPAddress.Parse("127.0.0.77"));
        await client.UnaryAsync<PutRequest, PutResponse>("etcdserverpb.KV/Put", Put("audited", "1"));
        (await Sql.ExecuteAsync(three.Database, "select client from pgetcd.revisions where key = 'audited'"))
            .ShouldBeOfType<string>().ShouldStartWith("ipv4:127.0.0.77:");
    }

    [SkippableFact]
    public async Task The_health_script_reports_the_health_of_the_server()
    {
        Balancer.Require();
        string script = Path.Combine(Repository.Root, "deploy", "docker", "healthcheck.sh");
        (await Command.RunAsync(script, ["127.0.0.1", $"{three.PortOfFirst}"])).ExitCode.ShouldBe(0);
        (await Command.RunAsync(script, ["127.0.0.1", $"{FreePort.Next()}"])).ExitCode.ShouldNotBe(0);
    }

    /// <summary>Puts through the balancer and retries on failure: a repeated put of the same value only raises the revision.</summary>
    private async Task PutAndSeeAsync(ChildProcess watch, int number)
    {
        string value = $"value{number}";
        await Eventually.TrueAsync(
            async () =>
            {
                await using GrpcChannel channel = new(_balancer!.ClientUrl);
                TxnRequest put = new()
                {
                    Compare =
                    {
                        new Compare
                        {
                            Key = Bytes("key"),
                            Target = Compare.Types.CompareTarget.Value,
                            Value = Bytes(value),
                            Result = Compare.Types.CompareResult.Equal,
                        },
                    },
                    Failure = { Op(Put("key", value)) },
                };
                await channel.UnaryAsync<TxnRequest, TxnResponse>("etcdserverpb.KV/Txn", put, timeout: TimeSpan.FromSeconds(5));
                return true;
            },
            Limit,
            $"{value} is put");
        await watch.WaitUntilAsync(
            () => Task.FromResult(watch.Output.Split('\n').Contains(value)), Limit, $"the watch shows {value}");
    }
}
