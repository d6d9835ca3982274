using System.Net.Security;
using System.Runtime.Versioning;
using System.Security.Authentication;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Tls;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>TLS versions and cipher suites.</summary>
[SupportedOSPlatform("linux")]
public sealed class VersionTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IDisposable
{
    private readonly TlsSetup _tls = new();

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true, "--tls-min-version=TLS1.3")]
    [InlineData(true, false, "--tls-max-version=TLS1.2")]
    [InlineData(false, true, "--tls-min-version=TLS1.3", "--tls-max-version=TLS1.3")]
    [InlineData(true, true, "--tls-min-version=TLS1.2", "--tls-max-version=")]
    public async Task Versions_out_of_bounds_are_refused(bool takes12, bool takes13, params string[] flags)
    {
        await using PgEtcdServer server = await _tls.StartAsync(await postgres.CreateStoreAsync(), flags);
        server.Expect("rejected connection");

        (await TakesAsync(SslProtocols.Tls12)).ShouldBe(takes12);
        (await TakesAsync(SslProtocols.Tls13)).ShouldBe(takes13);
        if (!takes12 || !takes13)
        {
            await server.SaysAsync("rejected connection from 127.0.0.1:");
        }
    }

    [Fact]
    public async Task Only_the_named_suites_are_offered_and_those_of_TLS_1_3()
    {
        await using PgEtcdServer server = await _tls.StartAsync(
            await postgres.CreateStoreAsync(), "--cipher-suites",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305");
        server.Expect("rejected connection .*no shared cipher");

        (await SuiteAsync(SslProtocols.Tls12)).ShouldBeOneOf(
            TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
        (await SuiteAsync(SslProtocols.Tls12, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256))
            .ShouldBe(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
        await Should.ThrowAsync<AuthenticationException>(
            () => SuiteAsync(SslProtocols.Tls12, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256));
        (await SuiteAsync(SslProtocols.Tls13, TlsCipherSuite.TLS_AES_128_GCM_SHA256)).ShouldBe(TlsCipherSuite.TLS_AES_128_GCM_SHA256);
        await _tls.PutAsync();
    }

    public void Dispose() => _tls.Dispose();

    private async Task<bool> TakesAsync(SslProtocols version)
    {
        try
        {
            await SuiteAsync(version);
            return true;
        }
        catch (AuthenticationException)
        {
            return false;
        }
    }

    private async Task<TlsCipherSuite> SuiteAsync(SslProtocols version, TlsCipherSuite? suite = null)
    {
        SslClientAuthenticationOptions options = _tls.Options();
        options.EnabledSslProtocols = version;
        options.CipherSuitesPolicy = suite is { } one ? new CipherSuitesPolicy([one]) : null;
        await using SslStream stream = await TlsClient.ConnectAsync(_tls.Uri, options);
        stream.SslProtocol.ShouldBe(version);
        return stream.NegotiatedCipherSuite;
    }
}
