using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Rpc;
using PgEtcd.Testing.Tls;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>One port with TLS serves every protocol, beside ports without TLS.</summary>
public sealed class ServingTests(ServingTests.Plain plain, PostgresFixture postgres) : IClassFixture<ServingTests.Plain>,
IClassFixture<PostgresFixture>, IDisposable
{
    private const string Curl = "/usr/bin/curl";

    private readonly TlsSetup _tls = new();

    [SkippableTheory]
    [InlineData("--http1.1", "1.1")]
    [InlineData("--http2", "2")]
    [InlineData("--no-alpn", "1.1")]
    public async Task Curl_reaches_pages_and_the_gateway_over_every_protocol(string protocol, string version)
    {
        Tool.Require(Curl, "curl");
        TlsSetup tls = plain.Tls;
        string health = await CurlAsync(protocol, $"{tls.Url}/health", "-w", "%{http_version}");
        health.ShouldBe("""{"health":"true","reason":""}""" + version);
        string put = await CurlAsync(protocol, $"{tls.Url}/v3/kv/put", "-d", """{"key": "Zm9v", "value": "YmFy"}""");
        string revision = (string)Json.Parse(put)["header"]!["revision"]!;
        $"{await tls.PutAsync() - 1}".ShouldBe(revision);
    }

    [SkippableFact]
    public async Task Etcdctl_uses_a_port_and_a_socket_with_TLS_and_a_port_without()
    {
        EtcdctlScript.Require();
        string socket = _tls.PathOf("etcd.sock");
        string plain = $"http://127.0.0.1:{FreePort.Next()}";
        await using PgEtcdServer server = await _tls.StartAsync(
            await postgres.CreateStoreAsync(), ["--listen-client-urls", $"{_tls.Url},{plain},unixs://{socket}", .. _tls.ClientFlags]);
        server.Expect("Served without TLS", "rejected connection");

        (await EtcdctlAsync(["--endpoints", _tls.Url, .. _tls.Curl(), "put", "a", "1"])).ShouldBe("OK\n");
        (await EtcdctlAsync(["--endpoints", $"unixs://{socket}", "--insecure-skip-tls-verify", .. _tls.Curl(), "put", "b", "2"]))
            .ShouldBe("OK\n");
        (await EtcdctlAsync(["--endpoints", plain, "get", "a", "--prefix=false"])).ShouldBe("a\n1\n");
        // With the scheme in :authority, as etcdctl 3.4 sends it for these.
        (await EtcdctlAsync(["--endpoints", _tls.Url, .. _tls.Curl(), "endpoint", "health"])).ShouldContain("is healthy");
        (await EtcdctlAsync(["--endpoints", _tls.Url, .. _tls.Curl(), "endpoint", "status"])).ShouldContain("3.6");
        (await EtcdctlAsync(["--endpoints", _tls.Url, .. _tls.Curl(withCertificate: false), "get", "a"])).ShouldContain("Error: ");
        await server.SaysAsync(
            $"Served without TLS despite --cert-file, --key-file, --trusted-ca-file, --client-cert-auth: {plain}.");
    }

    [Fact]
    public async Task Metrics_and_HTTP_only_urls_support_TLS_too()
    {
        string metrics = $"https://127.0.0.1:{FreePort.Next()}";
        string http = $"https://127.0.0.1:{FreePort.Next()}";
        await using PgEtcdServer server = await _tls.StartAsync(
            await postgres.CreateStoreAsync(), "--listen-client-http-urls", http, "--listen-metrics-urls",
            $"{_tls.Health.ToString().TrimEnd('/')},{metrics}");

        using HttpClient client = new(new SocketsHttpHandler { SslOptions = _tls.Options() });
        (await client.GetStringAsync(new Uri($"{metrics}/metrics"))).ShouldContain("etcd_server_has_leader");
        (await client.GetStringAsync(new Uri($"{http}/version"))).ShouldContain("etcdserver");
        await _tls.PutAsync(); // gRPC only
    }

    [Fact]
    public async Task A_client_with_the_wrong_protocol_is_disconnected_at_once_and_logged_in_one_line()
    {
        string plain = $"http://127.0.0.1:{FreePort.Next()}";
        await using PgEtcdServer server = await _tls.StartAsync(
            await postgres.CreateStoreAsync(), "--listen-client-urls", $"{_tls.Url},{plain}");

        server.Expect("Served without TLS", "rejected connection");
        // Plain HTTP to a port with TLS, as sent by an HTTP/1.1 and an HTTP/2 client.
        foreach (string hello in (string[])["GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
        {
            (await ReadToEndAsync(_tls.Uri, hello)).ShouldBeEmpty();
        }

        // TLS to a port without it.
        SslClientAuthenticationOptions options = _tls.Options();
        options.ApplicationProtocols = [SslApplicationProtocol.Http2];
        Exception refusal = await Should.ThrowAsync<Exception>(
            () => TlsClient.ConnectAsync(new Uri(plain), options).WaitAsync(Eventually.Patience));
        (refusal is IOException or AuthenticationException).ShouldBeTrue(refusal.ToString());

        // A protocol that is not served.
        options = _tls.Options();
        options.ApplicationProtocols = [new SslApplicationProtocol("foo")];
        await Should.ThrowAsync<AuthenticationException>(() => TlsClient.ConnectAsync(_tls.Uri, options));

        await server.SaysAsync("rejected connection", 3);
        server.Output.ShouldContain("rejected connection from 127.0.0.1:");
        server.Output.ShouldNotContain("stacktrace");
        await _tls.PutAsync();
    }

    [Fact]
    public async Task Unfinished_handshakes_block_no_client_and_end_after_ten_seconds()
    {
        TlsSetup tls = plain.Tls;
        plain.Server.Expect("rejected connection");
        long started = Stopwatch.GetTimestamp();
        List<Socket> silent = [];
        for (int i = 0; i < 200; i++)
        {
            silent.Add(await ConnectAsync(tls.Uri));
        }

        // Only one byte of a handshake.
        await silent[0].SendAsync(new byte[] { 0x16 });
        for (int i = 0; i < 20; i++)
        {
            await tls.PutAsync();
        }

        // No handshake has timed out yet. On a machine so slow that some have, twenty puts prove nothing.
        if (Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(9))
        {
            silent.ShouldAllBe(socket => !(socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0));
        }

        foreach (Socket socket in silent)
        {
            (await socket.ReceiveAsync(new byte[1]).WaitAsync(Eventually.Patience)).ShouldBe(0);
            socket.Dispose();
        }

        Stopwatch.GetElapsedTime(started).ShouldBeGreaterThan(TimeSpan.FromSeconds(9));
    }

    public void Dispose() => _tls.Dispose();

    private static async Task<Socket> ConnectAsync(Uri server)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port);
        return socket;
    }

    private static async Task<string> ReadToEndAsync(Uri server, string hello)
    {
        using Socket socket = await ConnectAsync(server);
        await socket.SendAsync(Encoding.ASCII.GetBytes(hello));
        byte[] buffer = new byte[1024];
        StringBuilder answer = new();
        try
        {
            while (await socket.ReceiveAsync(buffer).WaitAsync(Eventually.Patience) is > 0 and int count)
            {
                answer.Append(Encoding.ASCII.GetString(buffer, 0, count));
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
        }

        return answer.ToString();
    }

    private Task<string> CurlAsync(params string[] arguments) =>
        Command.CheckAsync(Curl, ["-sS", "--max-time", "20", .. plain.Tls.Curl(withCertificate: false), .. arguments]);

    private static async Task<string> EtcdctlAsync(string[] arguments)
    {
        CommandResult result = await Command.RunAsync(
            EtcdctlScript.Program, ["--command-timeout", "5s", .. arguments], environment: EtcdctlScript.Version3);
        return result.Output + string.Concat(
            result.Error.Split('\n').Where(line => line.StartsWith("Error", StringComparison.Ordinal) || line.Contains("healthy")));
    }

    /// <summary>A server with TLS and no other flags.</summary>
    public sealed class Plain : IAsyncLifetime, IDisposable
    {
        internal PgEtcdServer Server { get; private set; } = null!;

        internal TlsSetup Tls { get; } = new();

        public async Task InitializeAsync()
        {
            PostgresFixture postgres = new();
            await postgres.InitializeAsync();
            Server = await Tls.StartAsync(await postgres.CreateStoreAsync());
        }

        public Task DisposeAsync() => Server.DisposeAsync().AsTask();

        public void Dispose() => Tls.Dispose();
    }
}
