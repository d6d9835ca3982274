using System.Net.Security;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Tls;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>Files that change under a running server.</summary>
public sealed class ReloadTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IDisposable
{
    private readonly TlsSetup _tls = new();

    [Fact]
    public async Task New_connections_get_a_new_certificate_and_open_watches_continue()
    {
        await using PgEtcdServer server = await _tls.StartAsync(await postgres.CreateStoreAsync());
        await using GrpcChannel channel = _tls.Channel();
        await using WatchCall watch = new(channel);
        await watch.CreatedAsync(WatchCall.All());
        (await SubjectAsync()).ShouldBe("CN=server");

        _tls.WriteServer(_tls.Authority.Server("renewed"));

        (await SubjectAsync()).ShouldBe("CN=renewed");
        await _tls.PutAsync();
        (await watch.NextAsync()).Events.ShouldHaveSingleItem();
        await TlsSetup.PutAsync(channel, "b", "2"); // over the old connection
        (await watch.NextAsync()).Events.ShouldHaveSingleItem();
        await server.SaysAsync("--cert-file has changed: new connections use it");
    }

    [Fact]
    public async Task The_target_of_a_link_may_change_as_in_a_pod()
    {
        // Kubernetes: tls.crt -> ..data/tls.crt, and ..data -> the present directory.
        IssuedCertificate[] certificates = [_tls.Authority.Server("one"), _tls.Authority.Server("two")];
        for (int i = 0; i < certificates.Length; i++)
        {
            Directory.CreateDirectory(_tls.PathOf($"..{i}"));
            _tls.Write($"..{i}/tls.crt", certificates[i].CertPem);
            _tls.Write($"..{i}/tls.key", certificates[i].KeyPem);
        }

        Directory.CreateSymbolicLink(_tls.PathOf("..data"), "..0");
        File.CreateSymbolicLink(_tls.PathOf("tls.crt"), "..data/tls.crt");
        File.CreateSymbolicLink(_tls.PathOf("tls.key"), "..data/tls.key");
        await using PgEtcdServer server = await _tls.StartAsync(
            await postgres.CreateStoreAsync(), "--cert-file", _tls.PathOf("tls.crt"), "--key-file", _tls.PathOf("tls.key"));
        (await SubjectAsync()).ShouldBe("CN=one");

        Directory.CreateSymbolicLink(_tls.PathOf("..new"), "..1");
        // Directory.Move does not replace an existing link.
        await PgEtcd.Testing.Processes.Command.CheckAsync("mv", "-T", _tls.PathOf("..new"), _tls.PathOf("..data"));
        // Files of the same length written at the same moment are distinguished by their content, checked once a second.
        await Eventually.TrueAsync(async () => await SubjectAsync() == "CN=two", "the new certificate serves");
    }

    [Fact]
    public async Task Broken_files_leave_the_old_certificate_and_are_named_once()
    {
        await using PgEtcdServer server = await _tls.StartAsync(await postgres.CreateStoreAsync());
        server.Expect("--cert-file has changed but cannot be used, so the previous content stays in use: ");

        File.WriteAllText(_tls.CertFile, "no certificate");
        (await SubjectAsync()).ShouldBe("CN=server");
        (await SubjectAsync()).ShouldBe("CN=server");
        await SaysOnceAsync(
            server,
            "has changed but cannot be used, so the previous content stays in use: "
            + $"--cert-file: {_tls.CertFile} holds no certificate in PEM");

        // The certificate is written before its key.
        IssuedCertificate renewed = _tls.Authority.Server("renewed");
        File.WriteAllText(_tls.CertFile, renewed.CertPem);
        (await SubjectAsync()).ShouldBe("CN=server");
        await SaysOnceAsync(server, $"--key-file: {_tls.KeyFile} does not belong to the certificate in {_tls.CertFile}.");
        File.WriteAllText(_tls.KeyFile, renewed.KeyPem);
        (await SubjectAsync()).ShouldBe("CN=renewed");

        File.Delete(_tls.KeyFile);
        (await SubjectAsync()).ShouldBe("CN=renewed");
        await SaysOnceAsync(server, $"--key-file: {_tls.KeyFile} cannot be read: there is no such file.");
    }

    [Fact]
    public async Task New_authorities_and_a_new_revocation_list_apply_to_new_connections()
    {
        string list = _tls.PathOf("crl.pem");
        await File.WriteAllTextAsync(list, _tls.Authority.RevokePem());
        await using PgEtcdServer server = await _tls.StartAsync(
            await postgres.CreateStoreAsync(), [.. _tls.ClientFlags, "--client-crl-file", list]);
        server.Expect("rejected connection", "--client-crl-file has changed but cannot be used, so the previous content stays in use: ");
        await using GrpcChannel open = _tls.Channel(_tls.Client);
        await TlsSetup.PutAsync(open, "a", "1");

        await File.WriteAllTextAsync(list, _tls.Authority.RevokePem(_tls.Client));
        await RefusedAsync(_tls.Client);
        await TlsSetup.PutAsync(open, "a", "2"); // as in etcd

        await File.WriteAllTextAsync(list, "nothing of the kind");
        await RefusedAsync(_tls.Client); // the old list stays
        await SaysOnceAsync(server, $"--client-crl-file: {list} holds no certificate revocation list.");

        TestAuthority second = new();
        await File.WriteAllTextAsync(_tls.CaFile, second.Pem);
        await _tls.PutAsync(second.Client("bob"));
        await RefusedAsync(_tls.Authority.Client("carol"));
        await File.WriteAllTextAsync(_tls.CaFile, _tls.Authority.Pem + second.Pem);
        await _tls.PutAsync(second.Client("bob"));
        await _tls.PutAsync(_tls.Authority.Client("carol"));
    }

    public void Dispose() => _tls.Dispose();

    private static async Task SaysOnceAsync(PgEtcdServer server, string text)
    {
        await server.SaysAsync(text);
        server.CountOf(text).ShouldBe(1);
    }

    private Task<RpcException> RefusedAsync(IssuedCertificate client) => Should.ThrowAsync<RpcException>(() => _tls.PutAsync(client));

    /// <summary>The subject of the certificate that a new connection gets.</summary>
    private async Task<string> SubjectAsync()
    {
        await using SslStream stream = await TlsClient.ConnectAsync(_tls.Uri, _tls.Options());
        return stream.RemoteCertificate!.Subject;
    }
}
