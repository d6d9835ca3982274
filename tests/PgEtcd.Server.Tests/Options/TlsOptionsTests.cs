using System.Net.Security;
using System.Security.Authentication;
using PgEtcd.Server.CommandLines;
using PgEtcd.Server.Options;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Options;

public sealed class TlsOptionsTests
{
    private static readonly string[] Served = ["--listen-client-urls=https://127.0.0.1:2379", "--cert-file=/a.crt", "--key-file=/a.key"];

    [Fact]
    public void A_static_pod_of_kubeadm_uses_TLS_with_client_certificates()
    {
        ServerOptions options = Serve([
            "--advertise-client-urls=https://10.0.0.1:2379", "--cert-file=/etc/kubernetes/pki/etcd/server.crt", "--client-cert-auth=true",
            "--key-file=/etc/kubernetes/pki/etcd/server.key", "--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379",
            "--listen-metrics-urls=http://127.0.0.1:2381", "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt"]);

        options.ListenClientUrls.ShouldAllBe(url => url.IsTls);
        options.ListenMetricsUrls.ShouldAllBe(url => !url.IsTls);
        options.Warnings.ShouldBeEmpty();
        options.Tls.ShouldNotBeNull().ShouldSatisfyAllConditions(
            tls => tls.CertFile.ShouldBe("/etc/kubernetes/pki/etcd/server.crt"),
            tls => tls.KeyFile.ShouldBe("/etc/kubernetes/pki/etcd/server.key"),
            tls => tls.TrustedCaFile.ShouldBe("/etc/kubernetes/pki/etcd/ca.crt"), tls => tls.ClientCertRequired.ShouldBeTrue(),
            tls => tls.Protocols.ShouldBe(SslProtocols.Tls12 | SslProtocols.Tls13), tls => tls.CipherSuites.ShouldBeEmpty(),
            tls => tls.SelfSigned.ShouldBeFalse());
    }

    [Fact]
    public void Urls_are_shown_and_advertised_with_their_scheme()
    {
        ServerOptions options = Serve([.. Served, "--listen-client-urls=https://[::1]:1,http://localhost:2,unixs:///a,https://0.0.0.0:3"]);

        options.ListenClientUrls.Select(url => url.ToString()).ShouldBe(
            ["https://[::1]:1", "http://localhost:2", "unixs:///a", "https://0.0.0.0:3"]);
        options.AdvertiseClientUrls.ShouldBe(["https://[::1]:1", "http://localhost:2", $"https://{System.Net.Dns.GetHostName()}:3"]);
        Serve([.. Served, "--listen-client-urls=unixs:///a"]).AdvertiseClientUrls.ShouldBe(["unixs:///a"]);
        Serve(["--advertise-client-urls=unixs:///a,https://name:1"]).AdvertiseClientUrls.ShouldBe(["unixs:///a", "https://name:1"]);
    }

    [Fact]
    public void TLS_1_3_suites_are_always_enabled_and_the_others_have_gos_names()
    {
        Serve([.. Served, "--cipher-suites=TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305, TLS_RSA_WITH_AES_128_CBC_SHA"]).Tls!.CipherSuites.ShouldBe(
        [
            TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,
            TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        ]);
    }

    [Fact]
    public void Lists_without_client_certificates_cause_a_warning() =>
        Serve([.. Served, "--client-crl-file=/a"]).Warnings.ShouldHaveSingleItem().ShouldStartWith(
            "Clients are not asked for certificates without");

    [Fact]
    public void Plain_urls_beside_TLS_urls_cause_a_warning_except_for_metrics()
    {
        Serve([.. Served, "--listen-metrics-urls=http://127.0.0.1:1"]).Warnings.ShouldBeEmpty();
        Serve([.. Served, "--listen-client-http-urls=http://127.0.0.1:1"]).Warnings.ShouldHaveSingleItem()
            .ShouldBe("Served without TLS despite --cert-file, --key-file: http://127.0.0.1:1.");
    }

    private static ServerOptions Serve(string[] args)
    {
        CommandLineResult result = CommandLine.Parse(args, new Dictionary<string, string>());
        result.Text.ShouldBeNull();
        return result.Options.ShouldNotBeNull();
    }
}
