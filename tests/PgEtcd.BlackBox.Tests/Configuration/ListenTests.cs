using System.Net.Sockets;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.BlackBox.Tests.Starting;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Configuration;

/// <summary>Listeners for clients.</summary>
public sealed class ListenTests(OneServer running, PostgresFixture postgres) : IClassFixture<OneServer>, IClassFixture<PostgresFixture>,
IDisposable
{
    private readonly TempDirectory _directory = new("listen");

    private string SocketPath => Path.Combine(_directory.Path, "etcd.sock");

    [SkippableFact]
    public async Task A_Unix_socket_serves_a_real_client_beside_the_port_and_is_removed_at_the_end()
    {
        EtcdctlScript.Require();
        await using PgEtcdServer server = await StartAsync();

        (await EtcdctlAsync("put", "a", "1")).ShouldBe("OK\n");
        (await EtcdctlAsync("get", "a")).ShouldBe("a\n1\n");
        await using Kv kv = new(server);
        (await kv.ReadAsync("a")).ShouldBe(["a=1"]);

        (await Command.CheckAsync("stat", "-c", "%A", SocketPath))[8].ShouldBe('-', "other users cannot connect");
        (await server.StopAsync()).ShouldBe(0);
        File.Exists(SocketPath).ShouldBeFalse();
    }

    [SkippableFact]
    public async Task The_socket_of_a_killed_server_is_reused()
    {
        EtcdctlScript.Require();
        string database = await postgres.CreateStoreAsync();
        await using (PgEtcdServer killed = await StartAsync(database))
        {
            await killed.Kill9Async();
        }

        File.Exists(SocketPath).ShouldBeTrue();
        await using PgEtcdServer server = await StartAsync(database);
        (await EtcdctlAsync("put", "a", "1")).ShouldBe("OK\n");
    }

    [Fact]
    public async Task A_socket_in_use_is_refused()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer first = await StartAsync(database);

        (await Refusal.OfAsync("--database", database, "--name", "other", "--listen-client-urls", $"unix://{SocketPath}")).ShouldBe(
            $"pgetcd: --listen-client-urls: cannot listen on unix://{SocketPath}: Address already in use.");
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await probe.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
    }

    [Fact]
    public async Task A_file_that_is_not_a_socket_is_refused_and_kept()
    {
        await File.WriteAllTextAsync(SocketPath, "mine");

        (await Refusal.OfAsync("--database", running.Database, "--name", "other", "--listen-client-urls", $"unix://{SocketPath}")).ShouldBe(
            $"pgetcd: --listen-client-urls: cannot listen on unix://{SocketPath}: Address already in use.");
        (await File.ReadAllTextAsync(SocketPath)).ShouldBe("mine");
    }

    [Fact]
    public async Task Several_urls_serve_the_same_also_over_IPv6()
    {
        int port = FreePort.Next();
        string both = $"http://127.0.0.1:{port},http://[::1]:{FreePort.Next()}";
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), port: port, moreArguments: ["--listen-client-urls", both]);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");

        using HttpClient http = new();
        (await http.GetStringAsync(new Uri($"{both.Split(',')[1]}/health"))).ShouldContain("true");
    }

    [Fact]
    public async Task Two_servers_share_a_port_when_both_have_the_flag()
    {
        int port = FreePort.Next();
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, port: port, moreArguments: ["--socket-reuse-port"]);

        (await Refusal.OfAsync("--database", database, "--name", "b", "--listen-client-urls", $"http://127.0.0.1:{port}"))
            .ShouldContain("Address already in use");
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(
            database, name: "b", port: port, moreArguments: ["--socket-reuse-port=true"]);
        await Eventually.TrueAsync(() => second.Output.Contains("b serves", StringComparison.Ordinal), "the second serves");
    }

    public void Dispose() => _directory.Dispose();

    private async Task<PgEtcdServer> StartAsync(string? database = null)
    {
        int port = FreePort.Next();
        return await PgEtcdServer.StartAsync(
            database ?? await postgres.CreateStoreAsync(), port: port,
            moreArguments: ["--listen-client-urls", $"http://127.0.0.1:{port},unix://{SocketPath}"]);
    }

    private async Task<string> EtcdctlAsync(params string[] arguments)
    {
        CommandResult result = await Command.RunAsync(
            EtcdctlScript.Program, ["--endpoints", $"unix://{SocketPath}", "--command-timeout", "10s", .. arguments],
            environment: EtcdctlScript.Version3);
        return result.Output + result.Error;
    }
}
