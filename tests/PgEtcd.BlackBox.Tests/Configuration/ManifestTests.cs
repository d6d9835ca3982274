using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Configuration;

/// <summary>Configurations written for etcd start PgEtcd when the database is added.</summary>
public sealed class ManifestTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private readonly Uri _url = new($"http://127.0.0.1:{FreePort.Next()}");

    private string Url => _url.ToString().TrimEnd('/');

    [Fact]
    public async Task A_static_pod_of_kubeadm_without_its_TLS_starts()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartWithAsync(_url,
        [
            "--advertise-client-urls=" + Url, "--data-dir=/var/lib/etcd", "--feature-gates=InitialCorruptCheck=true",
            "--watch-progress-notify-interval=5s", "--initial-advertise-peer-urls=https://10.0.0.1:2380",
            "--initial-cluster=master=https://10.0.0.1:2380", "--listen-client-urls=" + Url,
            "--listen-peer-urls=https://10.0.0.1:2380", "--name=master", "--peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt",
            "--peer-client-cert-auth=true", "--peer-key-file=/etc/kubernetes/pki/etcd/peer.key",
            "--peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt", "--snapshot-count=10000",
            "--database", await postgres.CreateStoreAsync(),
        ]);

        await ShouldServeAsync(server, "master", "https://10.0.0.1:2380");
        server.Expect("without effect here");
        (await server.ComplainsAsync(1))[0].ShouldContain(
            "Accepted for compatibility with etcd, without effect here: --feature-gates, --listen-peer-urls, --initial-cluster, "
            + "--snapshot-count, --peer-cert-file, --peer-key-file, --peer-trusted-ca-file, --peer-client-cert-auth.");
    }

    [Fact]
    public async Task An_environment_file_of_a_systemd_unit_starts_it()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartWithAsync(_url, [], new Dictionary<string, string>
        {
            ["ETCD_NAME"] = "infra0",
            ["ETCD_DATA_DIR"] = "/var/lib/etcd/default",
            ["ETCD_LISTEN_CLIENT_URLS"] = Url,
            ["ETCD_ADVERTISE_CLIENT_URLS"] = Url,
            ["ETCD_LISTEN_PEER_URLS"] = "http://localhost:2380",
            ["ETCD_INITIAL_CLUSTER_STATE"] = "new",
            ["ETCD_STRICT_RECONFIG_CHECK"] = "true",
            ["ETCD_AUTO_COMPACTION_RETENTION"] = "8",
            ["ETCD_ENABLE_PPROF"] = "",
            ["ETCD_ROOT_PASSWORD"] = "hunter2",
            ["PGETCD_DATABASE"] = await postgres.CreateStoreAsync(),
        });

        await ShouldServeAsync(server, "infra0", "http://localhost:2380");
        server.Expect("without effect here", "Unknown environment variables without effect");
        IReadOnlyList<string> complaints = await server.ComplainsAsync(2);
        complaints[0].ShouldContain("without effect here: ETCD_STRICT_RECONFIG_CHECK, ETCD_LISTEN_PEER_URLS, ETCD_INITIAL_CLUSTER_STATE.");
        complaints[1].ShouldContain("Unknown environment variables without effect: ETCD_ROOT_PASSWORD.");
        server.Output.ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task A_configuration_file_starts_it_with_the_database_on_the_command_line()
    {
        using TempDirectory directory = new("config");
        string file = Path.Combine(directory.Path, "etcd.conf.yml");
        await File.WriteAllTextAsync(file,
            $"""
            name: 'infra1'
            data-dir: /var/lib/etcd
            listen-client-urls: {Url}
            advertise-client-urls: {Url}
            initial-advertise-peer-urls: http://10.0.0.2:2380
            max-txn-ops: 1
            log-level: debug
            client-transport-security:
              cert-file: ''
              auto-tls: false
            """);
        await using PgEtcdServer server = await PgEtcdServer.StartWithAsync(
            _url, ["--config-file", file, "--database", await postgres.CreateStoreAsync()]);

        await ShouldServeAsync(server, "infra1", "http://10.0.0.2:2380");
        await using Kv kv = new(server);
        await Kv.RefusedAsync(() => kv.SendAsync(Kv.Txn(Kv.Op(Kv.Put("a")), Kv.Op(Kv.Put("b")))), PgEtcd.Protocol.EtcdErrors.TooManyOps);
        server.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_flag_and_its_variable_together_are_refused()
    {
        await using PgEtcd.Testing.Processes.ChildProcess process = PgEtcdServer.Launch(
            ["--name", "a"], new Dictionary<string, string> { ["ETCD_NAME"] = "b" });

        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Output.ShouldBe("--name and ETCD_NAME are both set: unset the environment variable or leave out the flag.");
    }

    private static async Task ShouldServeAsync(PgEtcdServer server, string name, string peerUrl)
    {
        await using GrpcChannel channel = new(server.ClientUrl);
        MemberListResponse members = await channel.UnaryAsync<MemberListRequest, MemberListResponse>(
            "etcdserverpb.Cluster/MemberList", new());
        Member member = members.Members.ShouldHaveSingleItem();
        member.Name.ShouldBe(name);
        member.ClientURLs.ShouldBe([server.ClientUrl.ToString().TrimEnd('/')]);
        member.PeerURLs.ShouldBe([peerUrl]);
        await using Kv kv = new(server);
        (await kv.PutAsync("a", "1")).ShouldBe(2);
    }
}
