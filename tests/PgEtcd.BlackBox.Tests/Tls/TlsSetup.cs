using System.Net.Security;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Tls;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>An authority, the files that flags name, and clients.</summary>
internal sealed class TlsSetup : IDisposable
{
    private readonly TempDirectory _directory = new("tls");

    public TlsSetup()
    {
        Client = Authority.Client("alice");
        WriteServer(Authority.Server());
        File.WriteAllText(CaFile, Authority.Pem);
        Write("client.crt", Client.CertPem);
        Write("client.key", Client.KeyPem);
        Url = $"https://127.0.0.1:{FreePort.Next()}";
        Health = new Uri($"http://127.0.0.1:{FreePort.Next()}");
    }

    public TestAuthority Authority { get; } = new();

    public IssuedCertificate Client { get; }

    /// <summary>The address with TLS.</summary>
    public string Url { get; }

    public Uri Uri => new(Url);

    /// <summary>The address for health without TLS.</summary>
    public Uri Health { get; }

    public string CertFile => PathOf("server.crt");

    public string KeyFile => PathOf("server.key");

    public string CaFile => PathOf("ca.crt");

    public string[] ServerFlags => ["--cert-file", CertFile, "--key-file", KeyFile];

    public string[] ClientFlags => ["--client-cert-auth", "--trusted-ca-file", CaFile];

    /// <summary>The options for curl and etcdctl, each with its dashes.</summary>
    public string[] Curl(bool withCertificate = true) =>
        withCertificate ? ["--cacert", CaFile, "--cert", PathOf("client.crt"), "--key", PathOf("client.key")] : ["--cacert", CaFile];

    public string PathOf(string name) => Path.Combine(_directory.Path, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    public void WriteServer(IssuedCertificate certificate)
    {
        File.WriteAllText(KeyFile, certificate.KeyPem);
        File.WriteAllText(CertFile, certificate.CertPem);
    }

    /// <summary>Starts a server on <see cref="Url"/>.</summary>
    public Task<PgEtcdServer> StartAsync(string database, params string[] moreArguments) => PgEtcdServer.StartWithAsync(Health,
    [
        "--database", database, "--listen-client-urls", Url, "--listen-metrics-urls", Health.ToString().TrimEnd('/'), .. ServerFlags,
        .. moreArguments,
    ]);

    public SslClientAuthenticationOptions Options(IssuedCertificate? certificate = null) => TlsClient.Options(Authority, certificate);

    public GrpcChannel Channel(IssuedCertificate? certificate = null, string? url = null) =>
        new(new Uri(url ?? Url), tls: Options(certificate));

    /// <summary>Puts over a new connection.</summary>
    public async Task<long> PutAsync(IssuedCertificate? certificate = null, string? url = null)
    {
        await using GrpcChannel channel = Channel(certificate, url);
        return await PutAsync(channel, "a", "1");
    }

    public static async Task<long> PutAsync(GrpcChannel channel, string key, string value) => await PutAsync(channel, key, value, null);

    public static async Task<long> PutAsync(GrpcChannel channel, string key, string value, Metadata? headers)
    {
        PutRequest request = new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) };
        PutResponse response = await channel.UnaryAsync<PutRequest, PutResponse>(
            "etcdserverpb.KV/Put", request, headers, timeout: TimeSpan.FromSeconds(20));
        return response.Header.Revision;
    }

    public void Dispose() => _directory.Dispose();
}
