using System.Net;
using Grpc.Core;
using PgEtcd.Protocol.Authpb;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Tls;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>The name in a client's certificate is the user (semantics.md §11), but not through the gateway (§13).</summary>
public sealed class CommonNameTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IDisposable
{
    private readonly TlsSetup _tls = new();

    [Fact]
    public async Task The_common_name_is_the_user_in_gRPC_and_not_in_the_gateway()
    {
        await using PgEtcdServer server = await _tls.StartAsync(await postgres.CreateStoreAsync(), _tls.ClientFlags);
        await using GrpcChannel root = _tls.Channel(_tls.Authority.Client("root"));
        using HttpClient alices = Http(_tls.Client);
        using HttpClient nobodys = Http(_tls.Authority.Client(""));
        (await PutAsync(alices)).StatusCode.ShouldBe(HttpStatusCode.OK);

        await root.UnaryAsync<AuthUserAddRequest, AuthUserAddResponse>(
            "etcdserverpb.Auth/UserAdd", new() { Name = "root", Password = "root" });
        await root.UnaryAsync<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>(
            "etcdserverpb.Auth/UserGrantRole", new() { User = "root", Role = "root" });
        await root.UnaryAsync<AuthUserAddRequest, AuthUserAddResponse>(
            "etcdserverpb.Auth/UserAdd", new() { Name = "alice", Options = new UserAddOptions { NoPassword = true } });
        await root.UnaryAsync<AuthEnableRequest, AuthEnableResponse>("etcdserverpb.Auth/AuthEnable", new());

        await TlsSetup.PutAsync(root, "a", "1");
        await RefusedAsync(_tls.Client, "etcdserver: permission denied");
        await RefusedAsync(_tls.Authority.Client(""), "etcdserver: user name is empty");
        // Set by a gateway in front of PgEtcd: the certificate is the gateway's.
        await using (GrpcChannel channel = _tls.Channel(_tls.Authority.Client("root")))
        {
            RpcException refusal = await Should.ThrowAsync<RpcException>(
                () => TlsSetup.PutAsync(channel, "a", "1", new Metadata { { "grpcgateway-accept", "*/*" } }));
            refusal.Status.Detail.ShouldBe("etcdserver: user name is empty");
        }

        HttpResponseMessage answer = await PutAsync(alices);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await answer.Content.ReadAsStringAsync()).ShouldBe(
            "CommonName of client sending a request against gateway will be ignored and not used as expected\n");
        (await (await PutAsync(nobodys)).Content.ReadAsStringAsync()).ShouldContain("etcdserver: user name is empty");
        (await alices.GetStringAsync(new Uri(_tls.Uri, "health"))).ShouldContain("true");
    }

    /// <summary>Kamaji's calls for a tenant (docs/guides/kubernetes.md). The range end is not a zero byte but two characters, a
    /// backslash and a zero: all keys from the prefix up to them.</summary>
    [Fact]
    public async Task A_tenant_is_a_user_without_a_password_identified_by_its_certificate()
    {
        await using PgEtcdServer server = await _tls.StartAsync(await postgres.CreateStoreAsync(), _tls.ClientFlags);
        await using GrpcChannel root = _tls.Channel(_tls.Authority.Client("root"));
        await root.UnaryAsync<AuthUserAddRequest, AuthUserAddResponse>(
            "etcdserverpb.Auth/UserAdd", new() { Name = "root", Password = "root" });
        await root.UnaryAsync<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>(
            "etcdserverpb.Auth/UserGrantRole", new() { User = "root", Role = "root" });
        await root.UnaryAsync<AuthEnableRequest, AuthEnableResponse>("etcdserverpb.Auth/AuthEnable", new());

        await root.UnaryAsync<AuthUserAddRequest, AuthUserAddResponse>(
            "etcdserverpb.Auth/UserAdd", new() { Name = "m-tenant", Options = new UserAddOptions { NoPassword = true } });
        await root.UnaryAsync<AuthRoleAddRequest, AuthRoleAddResponse>("etcdserverpb.Auth/RoleAdd", new() { Name = "m-tenant" });
        await root.UnaryAsync<AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse>(
            "etcdserverpb.Auth/RoleGrantPermission",
            new()
            {
                Name = "m-tenant",
                Perm = new Permission
                {
                    PermType = Permission.Types.Type.Readwrite,
                    Key = Kv.Bytes("/m-tenant/"),
                    RangeEnd = Kv.Bytes(@"\0"),
                },
            });
        await root.UnaryAsync<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>(
            "etcdserverpb.Auth/UserGrantRole", new() { User = "m-tenant", Role = "m-tenant" });

        await using GrpcChannel another = _tls.Channel(_tls.Authority.Client("another"));
        (await Should.ThrowAsync<RpcException>(
            () => another.UnaryAsync<MemberListRequest, MemberListResponse>("etcdserverpb.Cluster/MemberList", new())))
            .Status.Detail.ShouldBe("etcdserver: user name not found"); // fault C14

        await using GrpcChannel tenant = _tls.Channel(_tls.Authority.Client("m-tenant"));
        await TlsSetup.PutAsync(tenant, "/m-tenant/registry/pods/a", "1");
        await TlsSetup.PutAsync(tenant, "/n-tenant/registry/pods/a", "1");
        foreach (string outside in (string[])["/a-tenant/registry/pods/a", "a-tenant/"])
        {
            RpcException refusal = await Should.ThrowAsync<RpcException>(() => TlsSetup.PutAsync(tenant, outside, "1"));
            refusal.Status.Detail.ShouldBe("etcdserver: permission denied");
        }
    }

    public void Dispose() => _tls.Dispose();

    private HttpClient Http(IssuedCertificate certificate) => new(new SocketsHttpHandler { SslOptions = _tls.Options(certificate) });

    private async Task<HttpResponseMessage> PutAsync(HttpClient http) =>
        await http.PostAsync(new Uri(_tls.Uri, "v3/kv/put"), new StringContent("""{"key": "Zm9v", "value": "YmFy"}"""));

    private async Task RefusedAsync(IssuedCertificate certificate, string error) =>
        (await Should.ThrowAsync<RpcException>(() => _tls.PutAsync(certificate))).Status.Detail.ShouldBe(error);
}
