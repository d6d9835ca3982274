using System.Security.Cryptography;
using System.Text;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Auth.AuthClient;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>--auth-token jwt.</summary>
public sealed class WebTokenTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IDisposable
{
    private readonly TempDirectory _keys = new("jwt");

    /// <summary>The algorithms, and whether to use two frontends, for which one algorithm per key type and padding suffices.</summary>
    public static TheoryData<string, bool> Methods => new()
    {
        { "RS256", true }, { "RS512", false }, { "PS256", false }, { "PS384", true }, { "ES256", false }, { "ES384", false },
        { "ES512", true },
        { "HS256", true }, { "HS512", false },
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task A_token_is_valid_everywhere_until_users_roles_or_permissions_change(string method, bool isWithTwo)
    {
        string database = await postgres.CreateStoreAsync();
        string[] flags = Flags(method, "10m");
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first", moreArguments: flags);
        await using PgEtcdServer? second = isWithTwo ? await PgEtcdServer.StartAsync(database, name: "second", moreArguments: flags) : null;
        await using AuthClient here = new(first);
        await using AuthClient there = new(second ?? first);
        await here.EnableAsync();
        await here.AddUserAsync("joe", here.Root);
        await here.GrantAsync("joe", "READWRITE", "k", "", here.Root);

        string token = await here.LoginAsync("joe");
        (await here.PutAsync("k", token)).ShouldBe(Granted);
        (await there.PutAsync("k", token)).ShouldBe(Granted);
        (await there.RangeAsync("k", "", token)).ShouldBe(Granted);
        (await there.PutAsync("x", token)).ShouldBe(Denied);
        (await there.PutAsync("k", Tampered(token))).ShouldBe(BadToken);
        (await there.PutAsync("k", Unsigned(token))).ShouldBe(BadToken);

        await here.CallAsync("etcdserverpb.Auth/RoleAdd", """{"name":"other"}""", here.Root);
        (await there.PutAsync("k", token)).ShouldBe(OldRevision);
        (await there.RangeAsync("k", "", token)).ShouldBe(OldRevision);
        (await there.PutAsync("k", await there.LoginAsync("joe"))).ShouldBe(Granted);
    }

    [Fact]
    public async Task A_token_expires()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: Flags("ES256", "2s"));
        await using AuthClient client = new(server);
        await client.EnableAsync();
        (await client.PutAsync("k", client.Root)).ShouldBe(Granted);
        await Eventually.TrueAsync(async () => await client.PutAsync("k", client.Root) == BadToken, "the token ends");
    }

    [Fact]
    public async Task A_server_with_only_the_public_key_verifies_tokens()
    {
        string database = await postgres.CreateStoreAsync();
        string[] flags = Flags("RS256", "10m");
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first", moreArguments: flags);
        string verifying = string.Join(',', flags[1].Split(',').Where(part => !part.StartsWith("priv-key", StringComparison.Ordinal)));
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(
            database, name: "second", moreArguments: [flags[0], verifying, .. flags[2..]]);
        await using AuthClient here = new(first);
        await using AuthClient there = new(second);
        await here.EnableAsync();

        (await there.PutAsync("k", here.Root)).ShouldBe(Granted);
        (await there.OutcomeAsync("etcdserverpb.Auth/Authenticate", """{"name":"root","password":"root"}"""))
            .ShouldBe("auth: token signing attempted with verify-only key");
    }

    /// <summary>Fault C14: servers that only verify accept tokens of other issuers, which may name any user.</summary>
    [Fact]
    public async Task A_token_for_a_nonexistent_user_permits_nothing()
    {
        string[] flags = Flags("HS256", "10m");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync(), moreArguments: flags);
        await using AuthClient client = new(server);
        await client.EnableAsync();
        string signed = Signed("""{"username":"nobody","revision":9000}""");

        (string Rpc, string Request)[] forUsers =
        [
            ("Cluster/MemberList", "{}"), ("Maintenance/Status", "{}"), ("Maintenance/Alarm", "{}"),
            ("Lease/LeaseGrant", """{"TTL":"60"}"""),
            ("Lease/LeaseTimeToLive", """{"ID":"1"}"""), ("Lease/LeaseLeases", "{}"), ("Lease/LeaseKeepAlive", """{"ID":"1"}"""),
            ("Lease/LeaseRevoke", """{"ID":"1"}"""), ("Auth/AuthStatus", "{}"),
        ];
        foreach ((string rpc, string request) in forUsers)
        {
            (await client.OutcomeAsync($"etcdserverpb.{rpc}", request, signed)).ShouldBe("etcdserver: user name not found", rpc);
        }

        (await client.PutAsync("k", signed)).ShouldBe(Denied);
        (await client.PutAsync("k", Signed("""{"username":["root"],"revision":9000}"""))).ShouldBe(BadToken);
        (await client.PutAsync("k", Signed("""{"username":"root","revision":1e300}"""))).ShouldBe(BadToken);
    }

    [Fact]
    public async Task With_an_empty_auth_token_every_login_is_refused()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--auth-token", "", "--bcrypt-cost", "4"]);
        await using AuthClient client = new(server);
        await client.AddUserAsync("root", null, "root");
        await client.CallAsync("etcdserverpb.Auth/AuthEnable");

        (await client.OutcomeAsync("etcdserverpb.Auth/Authenticate", """{"name":"root","password":"root"}"""))
            .ShouldBe("etcdserver: authentication failed, invalid user ID or password");
        (await client.PutAsync("k", "some.1")).ShouldBe(BadToken);
        (await client.PutAsync("k", null)).ShouldBe(NoUser);
    }

    public void Dispose() => _keys.Dispose();

    private static string Tampered(string token)
    {
        string[] parts = token.Split('.');
        string claims = Encoding.UTF8.GetString(Convert.FromBase64String(Padded(parts[1]))).Replace(
            "joe", "root", StringComparison.Ordinal);
        return $"{parts[0]}.{Url(claims)}.{parts[2]}";
    }

    private static string Unsigned(string token) => $"{Url("""{"alg":"none","typ":"JWT"}""")}.{token.Split('.')[1]}.";

    private string Signed(string claims)
    {
        string signed = $"{Url("""{"alg":"HS256","typ":"JWT"}""")}.{Url(claims)}";
        byte[] signature = HMACSHA256.HashData(File.ReadAllBytes(Path.Combine(_keys.Path, "private")), Encoding.ASCII.GetBytes(signed));
        return $"{signed}.{Convert.ToBase64String(signature).TrimEnd('=').Replace('+', '-').Replace('/', '_')}";
    }

    private static string Url(string text) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static string Padded(string text) => text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '=');

    private string[] Flags(string method, string ttl)
    {
        string secret = Path.Combine(_keys.Path, "private");
        string open = Path.Combine(_keys.Path, "public");
        switch (method[0])
        {
            case 'H':
                File.WriteAllBytes(secret, RandomNumberGenerator.GetBytes(64));
                return ["--auth-token", $"jwt,priv-key={secret},sign-method={method},ttl={ttl}", "--bcrypt-cost", "4"];
            case 'E':
                using (ECDsa key = ECDsa.Create(method switch
                {
                    "ES256" => ECCurve.NamedCurves.nistP256,
                    "ES384" => ECCurve.NamedCurves.nistP384,
                    _ => ECCurve.NamedCurves.nistP521,
                }))
                {
                    File.WriteAllText(secret, key.ExportECPrivateKeyPem());
                    File.WriteAllText(open, key.ExportSubjectPublicKeyInfoPem());
                }

                break;
            default:
                using (RSA key = RSA.Create(2048))
                {
                    File.WriteAllText(secret, key.ExportRSAPrivateKeyPem());
                    File.WriteAllText(open, key.ExportSubjectPublicKeyInfoPem());
                }

                break;
        }

        return ["--auth-token", $"jwt,pub-key={open},priv-key={secret},sign-method={method},ttl={ttl}", "--bcrypt-cost", "4"];
    }
}
