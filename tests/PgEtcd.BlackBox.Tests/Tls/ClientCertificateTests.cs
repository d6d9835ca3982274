using System.Net.Security;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Tls;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>Which clients are accepted, and the log line, with the address, for each refused one.</summary>
public sealed class ClientCertificateTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IDisposable
{
    private const string Rejected = "rejected connection from 127.0.0.1:";

    private readonly TlsSetup _tls = new();

    private TestAuthority Authority => _tls.Authority;

    [Theory]
    [InlineData("--client-cert-auth")]
    [InlineData("--client-cert-auth=false")] // as in etcd, --trusted-ca-file alone suffices
    public async Task Only_certificates_of_the_authority_are_accepted(string clientCertAuth)
    {
        await using PgEtcdServer server = await StartAsync(clientCertAuth, "--trusted-ca-file", _tls.CaFile);

        await _tls.PutAsync(_tls.Client);
        await _tls.PutAsync(Authority.Client("", "10.0.0.1", "nowhere.invalid")); // etcd does not compare a client's names with its address
        await RefusedAsync(null, server, "tls: client didn't provide a certificate");
        await RefusedAsync(new TestAuthority().Client("alice"), server, "x509: certificate signed by unknown authority");
        await RefusedAsync(
            Authority.Issue("alice", TestAuthority.ForServers, []), server, "x509: certificate specifies an incompatible key usage");
        await RefusedAsync(
            Authority.Issue("alice", TestAuthority.ForClients, [], DateTimeOffset.UtcNow.AddDays(-1)), server,
            "x509: certificate has expired or is not yet valid");
        await _tls.PutAsync(_tls.Client);
        server.Output.ShouldNotContain("stacktrace");
    }

    [Fact]
    public async Task An_authority_below_the_root_may_be_trusted_alone()
    {
        TestAuthority below = new("below", Authority);
        _tls.Write("ca.crt", below.Pem);
        await using PgEtcdServer server = await StartAsync(_tls.ClientFlags);

        await _tls.PutAsync(below.Client("alice"));
        await RefusedAsync(_tls.Client, server, "x509: certificate signed by unknown authority");
    }

    [Fact]
    public async Task Without_an_authority_those_of_the_system_apply()
    {
        await using PgEtcdServer server = await StartAsync("--client-cert-auth");
        server.Expect("Without --trusted-ca-file");
        await RefusedAsync(_tls.Client, server, "x509: certificate signed by unknown authority");
        await server.SaysAsync(
            "Without --trusted-ca-file, --client-cert-auth accepts every certificate signed by an authority of this system.");
    }

    [Fact]
    public async Task A_client_must_have_an_allowed_hostname()
    {
        await using PgEtcdServer server = await StartAsync(
            [.. _tls.ClientFlags, "--client-cert-allowed-hostname", "a.example,10.0.0.1,b.other.example,alice"]);
        foreach (string[] names in (string[][])[["a.example"], ["10.0.0.1"], ["*.other.example", "other"]])
        {
            await _tls.PutAsync(Authority.Client("alice", names));
        }

        // Another name, and none: the common name does not count as a host name.
        foreach (string[] names in (string[][])[["b.example"], []])
        {
            await RefusedAsync(Authority.Client("alice", names), server, "client certificate authentication failed");
        }
    }

    /// <summary>GHSA-3wh4-j44w-pg92: one of etcd's listeners ignored the list.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_revoked_certificate_is_refused_on_every_listener(bool pem)
    {
        IssuedCertificate revoked = Authority.Client("mallory");
        IssuedCertificate other = Authority.Client("other");
        string list = _tls.PathOf("crl");
        await File.WriteAllBytesAsync(
            list, pem ? System.Text.Encoding.ASCII.GetBytes(Authority.RevokePem(other, revoked)) : Authority.Revoke(revoked, other));
        string[] urls = [_tls.Url, Url(), Url(), Url()];
        await using PgEtcdServer server = await StartAsync(
        [
            .. _tls.ClientFlags, "--client-crl-file", list, "--listen-client-urls", $"{urls[0]},{urls[1]}",
            "--listen-client-http-urls", urls[2], "--listen-metrics-urls", $"{_tls.Health.ToString().TrimEnd('/')},{urls[3]}",
        ]);

        string error = $"transport: certificate serial {revoked.Certificate.SerialNumber.ToLowerInvariant()} revoked";
        for (int i = 0; i < urls.Length; i++)
        {
            bool isGrpc = i < 2;
            await TalkAsync(new Uri(urls[i]), _tls.Client, isGrpc);
            await Should.ThrowAsync<Exception>(() => TalkAsync(new Uri(urls[i]), revoked, isGrpc));
            await server.SaysAsync(error, i + 1);
        }

        await _tls.PutAsync(_tls.Client);
        await RefusedAsync(other, server, " revoked");
    }

    public void Dispose() => _tls.Dispose();

    private static string Url() => $"https://127.0.0.1:{FreePort.Next()}";

    private async Task<PgEtcdServer> StartAsync(params string[] arguments)
    {
        PgEtcdServer server = await _tls.StartAsync(await postgres.CreateStoreAsync(), arguments);
        server.Expect("rejected connection");
        return server;
    }

    private async Task RefusedAsync(IssuedCertificate? certificate, PgEtcdServer server, string reason)
    {
        int before = server.CountOf(Rejected);
        RpcException refusal = await Should.ThrowAsync<RpcException>(() => _tls.PutAsync(certificate));
        refusal.StatusCode.ShouldBe(StatusCode.Unavailable);
        // A client may have made several attempts, and the line of its last attempt may come late.
        await Eventually.TrueAsync(
            () => server.Output.Split('\n').Where(line => line.Contains(Rejected, StringComparison.Ordinal)).Skip(before)
                .Any(line => line.Contains(reason, StringComparison.Ordinal)),
            $"the server logs that a connection was rejected: {reason}");
    }

    /// <summary>With TLS 1.3 the handshake succeeds at the client before the server has checked the certificate; only an answer shows that
    /// the client was accepted.</summary>
    private async Task TalkAsync(Uri server, IssuedCertificate certificate, bool isGrpc)
    {
        SslClientAuthenticationOptions options = _tls.Options(certificate);
        options.ApplicationProtocols = [isGrpc ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11];
        await using SslStream stream = await TlsClient.ConnectAsync(server, options);
        await stream.WriteAsync(isGrpc
            ? [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0]
            : "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        await stream.ReadExactlyAsync(new byte[1]).AsTask().WaitAsync(Eventually.Patience);
    }
}
