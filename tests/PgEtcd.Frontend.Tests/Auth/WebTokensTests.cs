using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Auth;

/// <summary>The claims of a JSON web token that are accepted; all of these tokens are correctly signed.</summary>
public sealed class WebTokensTests
{
    private static readonly SymmetricSecurityKey Key = new(RandomNumberGenerator.GetBytes(64));

    private static readonly WebTokenOptions Options = new()
    {
        Algorithm = "HS256",
        SigningKey = Key,
        VerifyingKey = Key,
        Ttl = TimeSpan.FromMinutes(1),
    };

    /// <summary>Fault C14.</summary>
    [Theory]
    [InlineData("""{"username":["root"],"revision":7}""")]
    [InlineData("""{"username":["root","joe"],"revision":7}""")]
    [InlineData("""{"username":7,"revision":7}""")]
    [InlineData("""{"username":null,"revision":7}""")]
    [InlineData("""{"username":{"name":"root"},"revision":7}""")]
    [InlineData("""{"revision":7}""")]
    [InlineData("""{"username":"root"}""")]
    [InlineData("""{"username":"root","revision":1e300}""")]
    [InlineData("""{"username":"root","revision":1e999}""")]
    [InlineData("""{"username":"root","revision":9223372036854775808}""")]
    [InlineData("""{"username":"root","revision":-1}""")]
    [InlineData("""{"username":"root","revision":"7"}""")]
    [InlineData("""{"username":"root","revision":[7]}""")]
    [InlineData("""{"username":"root","revision":true}""")]
    [InlineData("""{"username":"root","revision":7,"exp":1}""")]
    [InlineData("""{"username":"root","revision":7,"exp":"soon"}""")]
    [InlineData("""{"username":"root","revision":7,"exp":["4102444800"]}""")]
    [InlineData("""{"username":"root","revision":7,"exp":null}""")]
    [InlineData("""{"username":"root","revision":7,"nbf":4102444800}""")]
    [InlineData("""{"username":"root","revision":7,"nbf":"2020-01-01T00:00:00Z"}""")]
    public async Task A_claim_of_another_kind_is_refused(string claims) => (await ResolveAsync(claims)).ShouldBeNull();

    [Theory]
    [InlineData("""{"username":"root","revision":7}""", "root", 7)]
    [InlineData("""{"username":"root","revision":7.9,"exp":4102444800}""", "root", 7)]
    [InlineData("""{"username":"","revision":7e0,"nbf":1}""", "", 7)]
    [InlineData("""{"username":"2026-01-01T00:00:00Z","revision":0}""", "2026-01-01T00:00:00Z", 0)]
    [InlineData("""{"username":"7","revision":9007199254740991}""", "7", 9007199254740991)]
    public async Task A_name_and_a_number_are_taken(string claims, string name, long revision) =>
        (await ResolveAsync(claims)).ShouldBe(new Credential(name, revision));

    private static async Task<Credential?> ResolveAsync(string claims)
    {
        string head = Base64UrlEncoder.Encode("""{"alg":"HS256","typ":"JWT"}""");
        string signed = $"{head}.{Base64UrlEncoder.Encode(claims)}";
        byte[] signature = HMACSHA256.HashData(Key.Key, Encoding.ASCII.GetBytes(signed));
        await using WebTokens tokens = new(Options, TimeProvider.System);
        return await tokens.ResolveAsync($"{signed}.{Base64UrlEncoder.Encode(signature)}", AuthState.Empty);
    }
}
