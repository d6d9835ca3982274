using System.Text.RegularExpressions;
using PgEtcd.Server.CommandLines;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Fuzz.Tests;

/// <summary>Arguments, variables and configuration files give options, or one sentence about the error.</summary>
public sealed partial class ConfigurationTests : IDisposable
{
    private static readonly string[] Flags = [.. FlagNames().Matches(CommandLine.Parse(["--help"], new Dictionary<string, string>()).Text!)
        .Select(match => match.Groups[1].Value).Distinct().Where(name => name != "config-file")];

    private static readonly string[] Values =
    [
        "", " ", "true", "false", "0", "1", "-1", "1.5", "10m", "-10m", "1h2m3s", "99999999999999999999", "NaN", "default", "auto",
        "simple", "*", ",", "a,b", "a=b,c=d",
        "http://127.0.0.1:2379", "https://127.0.0.1:2379", "http://127.0.0.1:99999", "unix:///tmp/x", "unixs://y", "http://", "://",
        "127.0.0.1:2379", "[::1]:1",
        "postgres://u:p@h/db", "postgres://u:p@h:0/db?sslmode=nothing", "Host=h;Password=secret", "jwt,pub-key=/nowhere,sign-method=RS256",
        "jwt,sign-method=HS256,priv-key=/nowhere,ttl=x",
        "TLS1.2", "TLS_RSA_WITH_AES_128_CBC_SHA", "/nowhere/file", "é\u0000\u202e", "'", "\"", "--name", "{}", "[]",
    ];

    private readonly TempDirectory _directory = new("fuzz-config");

    [Fact]
    public Task Any_arguments_give_options_or_one_sentence() => FuzzRun.AllAsync(3000, 1, seed =>
    {
        Random random = new(seed);
        List<string> arguments = [];
        for (int count = random.Next(1, 5); count > 0; count--)
        {
            string flag = (random.Next(2) == 0 ? "--" : "-") + One(random, Flags);
            string value = Value(random);
            arguments.AddRange(random.Next(3) == 0 ? [flag] : random.Next(2) == 0 ? [$"{flag}={value}"] : [flag, value]);
        }

        if (random.Next(3) == 0)
        {
            int which = random.Next(arguments.Count);
            arguments[which] = Changed(random, arguments[which]);
        }

        Dictionary<string, string> environment = [];
        if (random.Next(2) == 0)
        {
            environment["ETCD_" + One(random, Flags).ToUpperInvariant().Replace('-', '_')] = Value(random);
        }

        Check(CommandLine.Parse([.. arguments], environment));
        return Task.CompletedTask;
    });

    [Fact]
    public Task Any_file_gives_options_or_one_sentence() => FuzzRun.AllAsync(1500, 1, seed =>
    {
        Random random = new(seed);
        string file = Path.Combine(_directory.Path, "pgetcd.yaml");
        string text = string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => $"{One(random, Flags)}: {Value(random)}\n"));
        text += random.Next(10) == 0 ? new string('[', 50_000) : random
            .Next(5) == 0 ? "client-transport-security:\n  cert-file: x\n  client-cert-auth: maybe\n" : "";
        text += random.Next(10) == 0
            ? "a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n"
            : "";
        File.WriteAllText(file, random.Next(3) == 0 ? Mutation.Of(random, text) : text);
        Check(CommandLine.Parse(["--config-file", file], new Dictionary<string, string>()));
        return Task.CompletedTask;
    });

    public void Dispose() => _directory.Dispose();

    private static void Check(CommandLineResult result)
    {
        (result.Options is null).ShouldBe(result.Text is not null);
        if (result.IsError)
        {
            result.Text.ShouldNotBeNullOrWhiteSpace();
            result.Text!.ShouldNotContain("\n");
            result.Text!.ShouldNotContain("secret");
            result.Text!.Length.ShouldBeLessThan(1000);
        }
    }

    private static string Value(Random random) => random.Next(6) == 0
        ? Changed(random, One(random, Values))
        : One(random, Values);

    /// <summary>Without the password, which cannot be recognised in a mutilated address.</summary>
    private static string Changed(Random random, string text) => Mutation.Of(random, text.Replace("secret", "x", StringComparison.Ordinal));

    private static string One(Random random, string[] choices) => choices[random.Next(choices.Length)];

    [GeneratedRegex("--([a-z][a-z0-9-]+)")]
    private static partial Regex FlagNames();
}
