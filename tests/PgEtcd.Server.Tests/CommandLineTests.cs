using Microsoft.Extensions.Logging;
using PgEtcd.Server.Configuration;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests;

public class CommandLineTests
{
    [Fact]
    public void Without_arguments_everything_has_etcds_defaults()
    {
        var options = Serve([]);

        options.Name.ShouldBe("default");
        options.Database.ShouldBeNull();
        options.Schema.ShouldBe("pgetcd");
        options.DataDir.ShouldBe(Path.GetFullPath("default.pgetcd"));
        options.DataDirIsDefault.ShouldBeTrue();
        options.ListenClientUrls.ShouldBe([new ListenUrl(null, 2379)]);
        options.AdvertiseClientUrls.ShouldBe(["http://localhost:2379"]);
        options.MaxRequestBytes.ShouldBe(1572864);
        options.MaxTxnOps.ShouldBe(128);
        options.MinLeaseTtlSeconds.ShouldBe(2);
        options.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(7));
        options.LogLevel.ShouldBe(LogLevel.Information);
        options.Warnings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("--name", "a")]
    [InlineData("--name=a")]
    [InlineData("-name", "a")]
    [InlineData("-name=a")]
    [InlineData("--name", "b", "--name", "a")]
    public void A_flag_can_be_written_as_Go_takes_it_and_the_last_one_wins(params string[] args) =>
        Serve(args).Name.ShouldBe("a");

    [Fact]
    public void The_data_directory_is_named_after_the_member() =>
        Serve(["--name", "a/b"]).DataDir.ShouldBe(Path.GetFullPath("a_b.pgetcd"));

    [Fact]
    public void Every_address_is_not_advertised_as_such() =>
        Serve(["--listen-client-urls", "http://0.0.0.0:1,http://[::1]:2"]).AdvertiseClientUrls
            .ShouldBe([$"http://{System.Net.Dns.GetHostName()}:1", "http://[::1]:2"]);

    [Fact]
    public void Flags_of_etcd_are_read_from_the_environment_and_empty_variables_are_not()
    {
        var options = Serve([], ("ETCD_NAME", "a"), ("ETCD_MAX_TXN_OPS", ""), ("ETCD_WHATEVER", "1"));

        options.Name.ShouldBe("a");
        options.MaxTxnOps.ShouldBe(128);
        options.Warnings.ShouldBe(["The environment variable ETCD_WHATEVER has no effect."]);
    }

    [Fact]
    public void A_flag_of_etcd_and_its_variable_together_are_an_error() =>
        Fail(["--name", "a"], ("ETCD_NAME", "b")).ShouldBe(
            "--name and ETCD_NAME are both set: unset the environment variable or leave out the flag.");

    [Fact]
    public void Our_own_flags_win_over_their_variables()
    {
        Serve(["--database", "Host=a"], ("PGETCD_DATABASE", "Host=b")).Database.ShouldBe("Host=a");
        Serve([], ("PGETCD_DATABASE", "Host=b"), ("PGETCD_SCHEMA", "s")).ShouldSatisfyAllConditions(
            o => o.Database.ShouldBe("Host=b"), o => o.Schema.ShouldBe("s"));
    }

    [Fact]
    public void Flags_about_raft_are_accepted_with_a_warning() =>
        Serve(["--pre-vote", "--initial-cluster", "default=http://localhost:2380", "--snapshot-count=1"]).Warnings.Count.ShouldBe(3);

    [Theory]
    [InlineData("--name needs a value.", "--name")]
    [InlineData("--name needs a value.", "--name=")]
    [InlineData("--name needs a value.", "--name", "--schema", "x")]
    [InlineData("--max-txn-ops must be a whole number from 1 to 2147483647, not \"many\".", "--max-txn-ops", "many")]
    [InlineData("--max-request-bytes must be a whole number from 1 to 1073741824, not \"0\".", "--max-request-bytes=0")]
    [InlineData("--election-timeout must be a whole number from 500 to 50000, not \"1\".", "--election-timeout=1")]
    [InlineData("--log-level must be debug, info, warn, error, panic or fatal, not \"loud\".", "--log-level", "loud")]
    [InlineData("--listen-client-urls has https://127.0.0.1:2379, but TLS comes in a later version: use http://.", "--listen-client-urls", "https://127.0.0.1:2379")]
    [InlineData("--listen-client-urls has http://example.com:1, whose host must be an IP address or localhost.", "--listen-client-urls", "http://example.com:1")]
    [InlineData("--listen-client-urls has http://localhost, which is not of the form http://host:port.", "--listen-client-urls", "http://localhost")]
    [InlineData("--listen-client-urls has localhost:1, which does not start with http:// (or https://).", "--listen-client-urls", "localhost:1")]
    [InlineData("--listen-client-urls needs at least one URL.", "--listen-client-urls", ",")]
    [InlineData("--sql-write-timeout must be 0 or at least 100ms, not \"50ms\".", "--sql-write-timeout", "50ms")]
    [InlineData("--schema must not be \"pg_x\": PostgreSQL keeps pg_… and information_schema for itself.", "--schema", "pg_x")]
    [InlineData("--schema must not contain control characters.", "--schema", "a\0b")]
    [InlineData("--schema must have at most 63 bytes, which is PostgreSQL's limit for a name.", "--schema", "ääääääääääääääääääääääääääääääää")]
    public void A_bad_value_is_one_sentence_that_names_the_flag(string sentence, params string[] args) =>
        Fail(args).ShouldBe(sentence);

    [Theory]
    [InlineData("Unknown flag --listen-client-url: did you mean --listen-client-urls?", "--listen-client-url", "x")]
    [InlineData("Unknown flag --bogus: see --help.", "-bogus=hunter2")]
    [InlineData("\"start\" is neither a flag nor a command: see --help.", "start")]
    [InlineData("\"@file\" is neither a flag nor a command: see --help.", "@file")]
    [InlineData("There is a word after --database that belongs to no flag: put quotes around a value with spaces.", "--database", "Host=a;", "Password=hunter2")]
    public void What_is_not_a_flag_ends_with_code_2(string sentence, params string[] args)
    {
        var result = CommandLine.Parse(args, new Dictionary<string, string>());

        result.Text.ShouldBe(sentence);
        result.ExitCode.ShouldBe(2);
    }

    [Fact]
    public void The_version_has_etcds_first_line()
    {
        var result = CommandLine.Parse(["-version"], new Dictionary<string, string>());

        result.ExitCode.ShouldBe(0);
        result.Text!.Split('\n')[0].Trim().ShouldBe("etcd Version: " + ReleaseInfo.EtcdVersion);
    }

    [Fact]
    public void Help_names_every_flag_that_means_something()
    {
        var text = CommandLine.Parse(["--help"], new Dictionary<string, string>()).Text!;

        Flags.All.ShouldAllBe(flag => text.Contains("--" + flag.Name, StringComparison.Ordinal));
        text.ShouldNotContain("pre-vote");
    }

    [Fact]
    public void The_options_do_not_print_the_password() =>
        $"{Serve(["--database", "postgres://u:hunter2@h/d"])}".ShouldNotContain("hunter2");

    private static ServerOptions Serve(string[] args, params (string Name, string Value)[] environment)
    {
        var result = CommandLine.Parse(args, environment.ToDictionary(v => v.Name, v => v.Value));
        result.Text.ShouldBeNull();
        return result.Options.ShouldNotBeNull();
    }

    private static string Fail(string[] args, params (string Name, string Value)[] environment)
    {
        var result = CommandLine.Parse(args, environment.ToDictionary(v => v.Name, v => v.Value));
        result.Options.ShouldBeNull();
        result.ExitCode.ShouldBe(1);
        return result.Text.ShouldNotBeNull();
    }
}
