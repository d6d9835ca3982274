using System.Net;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>A proxy that passes TLS through and sends the client's address (fault A6).</summary>
public sealed class ProxyTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly byte[] Header = "PROXY TCP4 192.0.2.7 192.0.2.1 51000 2379\r\n"u8.ToArray();

    [Fact]
    public async Task The_header_comes_before_the_handshake_and_probes_need_none()
    {
        using TlsSetup setup = new();
        string database = await postgres.CreateStoreAsync();
        // The server's health is requested at the metrics address, from 127.0.0.1, without a header.
        await using PgEtcdServer server = await setup.StartAsync(
            database, "--proxy-protocol-from", "127.0.0.0/8", "--client-cert-auth", "--trusted-ca-file", setup.CaFile);
        server.Expect("rejected connection");

        await using GrpcChannel proxied = new(setup.Uri, tls: setup.Options(setup.Client), opening: Header);
        await TlsSetup.PutAsync(proxied, "a", "1");
        (await Sql.ExecuteAsync(database, "select client from pgetcd.revisions where key = 'a'"))
            .ShouldBeOfType<string>().ShouldStartWith("ipv4:192.0.2.7:51000");

        await using GrpcChannel nobody = new(setup.Uri, tls: setup.Options(), opening: Header);
        await Should.ThrowAsync<Grpc.Core.RpcException>(() => TlsSetup.PutAsync(nobody, "a", "1"));
        await server.SaysAsync("rejected connection from 192.0.2.7:51000: tls: ");

        await using GrpcChannel direct = new(setup.Uri, tls: setup.Options(setup.Client), from: IPAddress.Parse("127.0.0.9"));
        await Should.ThrowAsync<Grpc.Core.RpcException>(() => TlsSetup.PutAsync(direct, "a", "1"));
        await server.SaysAsync("the first bytes are not a PROXY header");
    }
}
