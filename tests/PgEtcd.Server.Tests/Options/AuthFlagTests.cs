using PgEtcd.Frontend.Auth;
using PgEtcd.Server.CommandLines;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Options;

/// <summary>--auth-token, --auth-token-ttl, --bcrypt-cost.</summary>
public sealed class AuthFlagTests
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Fact]
    public void The_defaults_are_etcds()
    {
        AuthOptions auth = Parse().Options!.Auth;

        (auth.HasTokens, auth.WebTokens, auth.TokenTtl, auth.BcryptCost).ShouldBe((true, null, TimeSpan.FromSeconds(300), 10));
    }

    [Theory]
    [InlineData("3", 10)]
    [InlineData("4", 4)]
    [InlineData("31", 31)]
    [InlineData("32", 10)]
    public void A_cost_out_of_bounds_means_the_default(string cost, int expected) =>
        Parse("--bcrypt-cost", cost).Options!.Auth.BcryptCost.ShouldBe(expected);

    [Theory]
    [InlineData("other", "--auth-token must be simple, or jwt with its options, not \"other\".")]
    [InlineData("jwt", "--auth-token: jwt needs sign-method=, for instance RS256.")]
    [InlineData("jwt,sign-method=RS256", "--auth-token: jwt needs pub-key= or priv-key=.")]
    [InlineData("jwt,sign-method=HS256", "--auth-token: HS256 needs priv-key=.")]
    [InlineData(
        "jwt,sign-method=none,priv-key=x",
        "--auth-token: sign-method must be RS, PS, ES or HS with 256, 384 or 512, not \"none\".")]
    [InlineData("jwt,sign-method=EdDSA,priv-key=x", "--auth-token: this platform has no EdDSA; use ES256, for instance.")]
    [InlineData("jwt,sign-method=RS256,pub-key=/nowhere/key", "--auth-token: cannot read /nowhere/key.")]
    [InlineData("jwt,sign-method=RS256,pub-key=x,ttl=soon", "--auth-token: ttl must be a duration such as 10m, not \"soon\".")]
    [InlineData("jwt,secret=x", "--auth-token: jwt takes pub-key=, priv-key=, sign-method= and ttl=, each once, not \"secret\".")]
    public void A_bad_auth_token_is_one_sentence_that_names_the_flag(string value, string sentence) =>
        Parse("--auth-token", value).Text!.ShouldContain(sentence);

    [Fact]
    public void A_file_that_is_not_a_key_or_too_short_or_of_another_pair_is_refused()
    {
        using TempDirectory directory = new("keys");
        string file = Path.Combine(directory.Path, "key");
        File.WriteAllText(file, "not a key");

        Parse("--auth-token", $"jwt,sign-method=ES256,priv-key={file}").Text!.ShouldContain("holds no key in PEM that fits sign-method.");
        Parse("--auth-token", $"jwt,sign-method=HS256,priv-key={file}").Text!.ShouldContain(
            "HS256 needs a key of at least 32 bytes (RFC 7518), priv-key has 9.");

        string other = Path.Combine(directory.Path, "other");
        using System.Security.Cryptography.RSA one = System.Security.Cryptography.RSA.Create(2048);
        using System.Security.Cryptography.RSA two = System.Security.Cryptography.RSA.Create(2048);
        File.WriteAllText(file, one.ExportRSAPrivateKeyPem());
        File.WriteAllText(other, two.ExportRSAPublicKeyPem());
        Parse("--auth-token", $"jwt,sign-method=RS256,priv-key={file},pub-key={other}").Text!.ShouldContain(
            "pub-key and priv-key do not belong together.");
    }

    private static CommandLineResult Parse(params string[] arguments) => CommandLine.Parse(arguments, NoEnvironment);
}
