using System.Security.Cryptography;
using PgEtcd.BlackBox.Tests.Starting;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>Flags and files that make TLS impossible: one sentence, before anything is started.</summary>
public sealed class BadTlsFlagTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IDisposable
{
    private readonly TlsSetup _tls = new();

    [Theory]
    [InlineData(
        "--cert-file and --key-file are needed to listen on https://127.0.0.1:1 (or --auto-tls).", "--listen-client-urls",
        "https://127.0.0.1:1")]
    [InlineData(
        "--cert-file and --key-file are needed to listen on https://localhost:1 (or --auto-tls).", "--listen-metrics-urls",
        "https://localhost:1")]
    [InlineData(
        "--cert-file and --key-file are needed to listen on unixs:///tmp/a.sock (or --auto-tls).", "--listen-client-urls",
        "unixs:///tmp/a.sock")]
    [InlineData("--cert-file needs --key-file too.", "--cert-file", "/a")]
    [InlineData("--key-file needs --cert-file too.", "--key-file", "/a")]
    [InlineData("--tls-min-version must be TLS1.2 or TLS1.3, not \"TLS1.1\".", "--tls-min-version", "TLS1.1")]
    [InlineData("--tls-max-version must be TLS1.2 or TLS1.3, not \"1.3\".", "--tls-max-version", "1.3")]
    [InlineData(
        "--tls-min-version TLS1.3 is greater than --tls-max-version TLS1.2.", "--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2")]
    [InlineData(
        "--cipher-suites has \"TLS_AES_128_GCM_SHA\", which is not one of etcd's cipher suites: did you mean TLS_AES_128_GCM_SHA256?",
        "--cipher-suites", "TLS_AES_128_GCM_SHA")]
    [InlineData("--cipher-suites has \"AES\", which is not one of etcd's cipher suites.", "--cipher-suites", "TLS_AES_128_GCM_SHA256,AES")]
    [InlineData(
        "--cipher-suites cannot be given when --tls-min-version is TLS1.3, whose suites are fixed.",
        "--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "--tls-min-version=TLS1.3")]
    [InlineData("--self-signed-cert-validity must be a whole number from 1 to 1000, not \"0\".", "--self-signed-cert-validity=0")]
    [InlineData("--client-cert-auth must be true or false, not \"yes\".", "--client-cert-auth=yes")]
    public async Task A_wrong_flag_is_named(string sentence, params string[] arguments) =>
        (await Refusal.OfAsync(["--database", "Host=127.0.0.1;Port=1", .. arguments])).ShouldBe(sentence);

    [Fact]
    public async Task An_unusable_file_is_named()
    {
        string missing = _tls.PathOf("missing");
        await ShouldSayAsync($"--cert-file: {missing} cannot be read: there is no such file.", "--cert-file", missing);
        await ShouldSayAsync($"--key-file: {missing} cannot be read: there is no such file.", "--key-file", missing);
        string directory = Path.GetDirectoryName(missing)!;
        await ShouldSayAsync($"--cert-file: {directory} cannot be read: it is a directory.", "--cert-file", directory);
        await ShouldSayAsync($"--trusted-ca-file: {missing} cannot be read: there is no such file.", "--trusted-ca-file", missing);
        await ShouldSayAsync(
            $"--client-crl-file: {missing} cannot be read: there is no such file.", [.. _tls.ClientFlags, "--client-crl-file", missing]);

        string text = _tls.Write("text", "hunter2");
        await ShouldSayAsync($"--cert-file: {text} holds no certificate in PEM that can be used.", "--cert-file", text);
        await ShouldSayAsync($"--key-file: {text} holds no private key in PEM.", "--key-file", text);
        await ShouldSayAsync($"--trusted-ca-file: {text} holds no certificate in PEM that can be used.", "--trusted-ca-file", text);
        await ShouldSayAsync(
            $"--client-crl-file: {text} holds no certificate revocation list.", [.. _tls.ClientFlags, "--client-crl-file", text]);
        await ShouldSayAsync($"--key-file: {_tls.CertFile} holds no private key in PEM.", "--key-file", _tls.CertFile);

        string other = _tls.Write("other.key", _tls.Authority.Server().KeyPem);
        await ShouldSayAsync($"--key-file: {other} does not belong to the certificate in {_tls.CertFile}.", "--key-file", other);
        using RSA rsa = RSA.Create(2048);
        string ofAnotherKind = _tls.Write("rsa.key", rsa.ExportRSAPrivateKeyPem());
        await ShouldSayAsync(
            $"--key-file: {ofAnotherKind} does not belong to the certificate in {_tls.CertFile}.", "--key-file", ofAnotherKind);
        string locked = _tls.Write("locked.key", rsa.ExportEncryptedPkcs8PrivateKeyPem(
            "hunter2", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000)));
        await ShouldSayAsync($"--key-file: {locked} is protected by a password; the key must be without one.", "--key-file", locked);
    }

    [Fact]
    public async Task TLS_flags_without_an_https_url_only_cause_a_warning_as_in_etcd()
    {
        string url = $"http://127.0.0.1:{FreePort.Next()}";
        await using PgEtcdServer server = await PgEtcdServer.StartWithAsync(new Uri(url),
        [
            "--database", await postgres.CreateStoreAsync(), "--listen-client-urls", url,
            "--cert-file", "/missing", "--key-file", "/missing", "--client-cert-auth", "--client-cert-file", "/a", "--client-key-file",
            "/b",
        ]);
        server.Expect("without effect here", "Served without TLS");
        IReadOnlyList<string> complaints = await server.ComplainsAsync(2);
        complaints[0].ShouldContain("Accepted for compatibility with etcd, without effect here: --client-cert-file, --client-key-file.");
        complaints[1].ShouldContain($"Served without TLS despite --cert-file, --key-file, --client-cert-auth: {url}.");
    }

    public void Dispose() => _tls.Dispose();

    private async Task ShouldSayAsync(string sentence, params string[] arguments) => (await Refusal.OfAsync(
    [
        "--database", "Host=127.0.0.1;Port=1", "--listen-client-urls", _tls.Url, .. _tls.ServerFlags, .. arguments,
    ])).ShouldBe("pgetcd: " + sentence);
}
