using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>--auto-tls.</summary>
public sealed class AutoTlsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IDisposable
{
    private readonly TempDirectory _directory = new("auto");
    private readonly int _port = FreePort.Next();

    private string CertFile => Path.Combine(_directory.Path, "fixtures", "client", "cert.pem");

    private string KeyFile => Path.Combine(_directory.Path, "fixtures", "client", "key.pem");

    [SkippableFact]
    public async Task A_certificate_is_created_kept_and_can_be_trusted_by_clients()
    {
        EtcdctlScript.Require();
        string database = await postgres.CreateStoreAsync();
        string pem;
        await using (PgEtcdServer first = await StartAsync(database, "--self-signed-cert-validity", "3"))
        {
            await ShouldServeAsync();
            pem = await File.ReadAllTextAsync(CertFile);
            using X509Certificate2 certificate = X509Certificate2.CreateFromPem(pem);
            certificate.NotAfter.ToUniversalTime().ShouldBe(DateTime.UtcNow.AddYears(3), TimeSpan.FromMinutes(10));
            (await Command.CheckAsync("stat", "-c", "%a", KeyFile)).ShouldBe("600\n");
            await first.StopAsync();
        }

        await using (PgEtcdServer second = await StartAsync(database))
        {
            await ShouldServeAsync();
            (await File.ReadAllTextAsync(CertFile)).ShouldBe(pem);
            await second.StopAsync();
        }

        // A key without its certificate, or a certificate for other names, is useless.
        await File.WriteAllTextAsync(CertFile, "");
        await using PgEtcdServer third = await StartAsync(database);
        await ShouldServeAsync();
        (await File.ReadAllTextAsync(CertFile)).ShouldNotBe(pem);
    }

    [Fact]
    public async Task A_given_certificate_takes_precedence_with_a_warning()
    {
        using TlsSetup tls = new();
        await using PgEtcdServer server = await tls.StartAsync(
            await postgres.CreateStoreAsync(), "--auto-tls", "--data-dir", _directory.Path);
        server.Expect("--auto-tls has no effect");
        await tls.PutAsync();
        (await server.ComplainsAsync(1))[0].ShouldContain("--auto-tls has no effect with --cert-file.");
        File.Exists(CertFile).ShouldBeFalse();
    }

    public void Dispose() => _directory.Dispose();

    private Task<PgEtcdServer> StartAsync(string database, params string[] moreArguments)
    {
        string health = $"http://127.0.0.1:{FreePort.Next()}";
        return PgEtcdServer.StartWithAsync(new Uri(health),
        [
            "--database", database, "--data-dir", _directory.Path, "--auto-tls", "--listen-metrics-urls", health,
            "--listen-client-urls", string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{_port}"), .. moreArguments,
        ]);
    }

    private async Task ShouldServeAsync()
    {
        CommandResult result = await Command.RunAsync(
            EtcdctlScript.Program,
            [
                "--endpoints", string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{_port}"), "--cacert", CertFile, "put", "a",
                "1"],
            environment: EtcdctlScript.Version3);
        result.Output.ShouldBe("OK\n", result.Error);
    }
}
