using Microsoft.Extensions.Logging;
using PgEtcd.Protocol;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.CommandLines;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.CommandLines;

public class CommandLineTests
{
    [Fact]
    public void Without_arguments_everything_has_etcds_defaults()
    {
        ServerOptions options = Serve([]);

        options.Name.ShouldBe("default");
        options.Database.ShouldBeNull();
        options.Schema.ShouldBe("pgetcd");
        options.DataDir.ShouldBe(Path.GetFullPath("default.pgetcd"));
        options.DataDirIsDefault.ShouldBeTrue();
        options.ListenClientUrls.ShouldBe([new ListenUrl(null, 2379)]);
        options.AdvertiseClientUrls.ShouldBe(["http://localhost:2379"]);
        options.Limits.MaxRequestBytes.ShouldBe(1572864);
        options.Limits.MaxTxnOps.ShouldBe(128);
        options.Limits.MinLeaseTtlSeconds.ShouldBe(2);
        options.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(7));
        options.Logging.Level.ShouldBe(LogLevel.Information);
        options.Logging.IsJson.ShouldBeTrue();
        options.Logging.Outputs.ShouldBe(["stderr"]);
        options.Tracing.ShouldBeNull();
        options.KeepAlivePingInterval.ShouldBe(TimeSpan.FromHours(2));
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
    public void The_unspecified_address_is_not_advertised() =>
        Serve(["--listen-client-urls", "http://0.0.0.0:1,http://[::1]:2"]).AdvertiseClientUrls
            .ShouldBe([$"http://{System.Net.Dns.GetHostName()}:1", "http://[::1]:2"]);

    [Fact]
    public void Flags_of_etcd_are_read_from_the_environment_and_empty_variables_are_not()
    {
        ServerOptions options = Serve([], ("ETCD_NAME", "a"), ("ETCD_MAX_TXN_OPS", ""), ("ETCD_WHATEVER", "1"));

        options.Name.ShouldBe("a");
        options.Limits.MaxTxnOps.ShouldBe(128);
        options.Warnings.ShouldBe(["Unknown environment variables without effect: ETCD_WHATEVER."]);
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
    public void Flags_about_raft_are_accepted_with_one_warning_for_all() =>
        Serve(
            [
                "--pre-vote", "--initial-cluster", "default=http://localhost:2380", "-memory-mlock=false",
                "--experimental-corrupt-check-time", "1h"],
            ("ETCD_INITIAL_CLUSTER_STATE", "new"))
            .Warnings.ShouldBe(
            [
                "Accepted for compatibility with etcd, without effect here: --initial-cluster, ETCD_INITIAL_CLUSTER_STATE, --pre-vote, "
                + "--memory-mlock, --experimental-corrupt-check-time.",
            ]);

    [Fact]
    public void An_old_name_stands_for_the_new_one_and_both_are_an_error()
    {
        Serve(["--experimental-watch-progress-notify-interval=5s"]).WatchProgressNotifyInterval.ShouldBe(TimeSpan.FromSeconds(5));
        Serve([], ("ETCD_EXPERIMENTAL_WARNING_APPLY_DURATION", "1s")).Logging.SlowCommit.ShouldBe(TimeSpan.FromSeconds(1));
        Fail(["--experimental-watch-progress-notify-interval=5s"], ("ETCD_WATCH_PROGRESS_NOTIFY_INTERVAL", "5s")).ShouldBe(
            "ETCD_WATCH_PROGRESS_NOTIFY_INTERVAL and --experimental-watch-progress-notify-interval are the same flag: give one.");
    }

    [Theory]
    [InlineData("InitialCorruptCheck=true")]
    [InlineData("CompactHashCheck=true, LeaseCheckpoint=false")]
    public void Known_feature_gates_are_accepted(string gates) => Serve(["--feature-gates", gates]).Warnings.Count.ShouldBe(1);

    [Theory]
    [InlineData(100, 1000, 2, 7)]
    [InlineData(250, 2500, 4, 10)]
    [InlineData(10, 50, 1, 5.1)]
    [InlineData(300, 1600, 3, 8)] // five whole heartbeats
    public void The_shortest_lease_and_the_request_timeout_count_in_heartbeats(int heartbeat, int election, long ttl, double timeout)
    {
        ServerOptions options = Serve([$"--heartbeat-interval={heartbeat}", $"--election-timeout={election}"]);

        options.Limits.MinLeaseTtlSeconds.ShouldBe(ttl);
        options.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(timeout));
    }

    [Fact]
    public void The_defaults_of_TLS_and_users_are_accepted() =>
        Serve(["--cert-file=", "--client-cert-auth=false", "--auth-token", "simple", "--tls-min-version=TLS1.2"]).Warnings.ShouldBeEmpty();

    [Fact]
    public void Listen_urls_may_be_sockets_and_are_advertised_if_there_is_nothing_else()
    {
        ServerOptions both = Serve(["--listen-client-urls", "unix:///run/a.sock,http://127.0.0.1:1"]);
        both.ListenClientUrls.ShouldBe([ListenUrl.Socket("/run/a.sock"), new ListenUrl(System.Net.IPAddress.Loopback, 1)]);
        both.AdvertiseClientUrls.ShouldBe(["http://127.0.0.1:1"]);
        Serve(["--listen-client-urls", "unix://b.sock"]).AdvertiseClientUrls.ShouldBe(["unix://b.sock"]);
    }

    [Theory]
    [InlineData("--name needs a value.", "--name")]
    [InlineData("--name needs a value.", "--name=")]
    [InlineData("--name needs a value.", "--name", "--schema", "x")]
    [InlineData("--max-txn-ops must be a whole number from 1 to 2147483647, not \"many\".", "--max-txn-ops", "many")]
    [InlineData("--max-request-bytes must be a whole number from 1 to 1073741824, not \"0\".", "--max-request-bytes=0")]
    [InlineData("--metrics must be basic or extensive, not \"all\".", "--metrics=all")]
    [InlineData(
        "--listen-metrics-urls has http://name:1, whose host must be an IP address or localhost.", "--listen-metrics-urls=http://name:1")]
    [InlineData("--election-timeout must be a whole number from 500 to 50000, not \"1\".", "--election-timeout=1")]
    [InlineData("--election-timeout must be a whole number from 1500 to 50000, not \"1000\".", "--heartbeat-interval=300")]
    [InlineData("--heartbeat-interval must be a whole number from 1 to 10000, not \"0\".", "--heartbeat-interval=0")]
    [InlineData("--pre-vote must be true or false, not \"maybe\".", "--pre-vote=maybe")]
    [InlineData("--pre-vote must be true or false, not \"***\".", "--pre-vote=Host=h;Password=hunter2")]
    [InlineData("--socket-reuse-port must be true or false, not \"2\".", "--socket-reuse-port=2")]
    [InlineData(
        "--feature-gates has an unknown gate InitialCorruptChek: did you mean InitialCorruptCheck?",
        "--feature-gates=InitialCorruptChek=true")]
    [InlineData("--feature-gates must say LeaseCheckpoint=true or LeaseCheckpoint=false.", "--feature-gates=LeaseCheckpoint")]
    [InlineData(
        "--max-concurrent-streams must be a whole number from 0 to 4294967295, not \"4294967296\".",
        "--max-concurrent-streams=4294967296")]
    [InlineData("--grpc-keepalive-interval must be a duration such as 10ms, 72h or 30d, not \"often\".", "--grpc-keepalive-interval=often")]
    [InlineData("--logger must be zap, not \"capnslog\".", "--logger=capnslog")]
    [InlineData("--log-format must be json or console, not \"xml\".", "--log-format=xml")]
    [InlineData("--enable-log-rotation needs --log-outputs to be the path of one file.", "--enable-log-rotation")]
    [InlineData(
        "--log-rotation-config-json must be a JSON object such as "
        + "{\"maxsize\": 100, \"maxage\": 0, \"maxbackups\": 0, \"localtime\": false, \"compress\": false}.",
        "--enable-log-rotation", "--log-outputs=/a", "--log-rotation-config-json=[]")]
    [InlineData(
        "--distributed-tracing-sampling-rate must be a whole number from 0 to 1000000, not \"1000001\".",
        "--distributed-tracing-sampling-rate=1000001")]
    [InlineData(
        "--distributed-tracing-address must be host:port or a URL with http:// or https://, not \"a b\".",
        "--distributed-tracing-address=a b")]
    [InlineData(
        "--config-file: /no/such/file cannot be read: Could not find a part of the path '/no/such/file'.", "--config-file=/no/such/file")]
    [InlineData("--log-level must be debug, info, warn, error, panic or fatal, not \"loud\".", "--log-level", "loud")]
    [InlineData(
        "--cert-file and --key-file are needed to listen on https://127.0.0.1:2379 (or --auto-tls).", "--listen-client-urls",
        "https://127.0.0.1:2379")]
    [InlineData(
        "--listen-client-urls has unixs://, which is not of the form unix:///path/of/a/socket.", "--listen-client-urls", "unixs://")]
    [InlineData("--listen-client-urls has unix://, which is not of the form unix:///path/of/a/socket.", "--listen-client-urls", "unix://")]
    [InlineData(
        "--listen-client-urls has http://example.com:1, whose host must be an IP address or localhost.", "--listen-client-urls",
        "http://example.com:1")]
    [InlineData(
        "--listen-client-urls has http://localhost, which is not of the form http://host:port.", "--listen-client-urls",
        "http://localhost")]
    [InlineData(
        "--listen-client-urls has localhost:1, which does not start with http:// (or https:// or unix://).", "--listen-client-urls",
        "localhost:1")]
    [InlineData("--listen-client-urls needs at least one URL.", "--listen-client-urls", ",")]
    [InlineData("--sql-write-timeout must be 0 or at least 100ms, not \"50ms\".", "--sql-write-timeout", "50ms")]
    [InlineData("--schema must not be \"pg_x\": PostgreSQL keeps pg_… and information_schema for itself.", "--schema", "pg_x")]
    [InlineData("--schema must not contain control characters.", "--schema", "a\0b")]
    [InlineData(
        "--schema must have at most 63 bytes, which is PostgreSQL's limit for a name.", "--schema", "ääääääääääääääääääääääääääääääää")]
    public void A_bad_value_is_one_sentence_that_names_the_flag(string sentence, params string[] args) =>
        Fail(args).ShouldBe(sentence);

    [Theory]
    [InlineData("Unknown flag --listen-client-url: did you mean --listen-client-urls?", "--listen-client-url", "x")]
    [InlineData("Unknown flag --bogus: see --help.", "-bogus=hunter2")]
    [InlineData("\"start\" is neither a flag nor a command: see --help.", "start")]
    [InlineData("\"@file\" is neither a flag nor a command: see --help.", "@file")]
    [InlineData(
        "There is a word after --database that belongs to no flag: put quotes around a value with spaces.", "--database", "Host=a;",
        "Password=hunter2")]
    public void An_unknown_flag_ends_with_code_2(string sentence, params string[] args)
    {
        CommandLineResult result = CommandLine.Parse(args, new Dictionary<string, string>());

        result.Text.ShouldBe(sentence);
        result.ExitCode.ShouldBe(2);
    }

    [Fact]
    public void The_version_has_etcds_first_line()
    {
        CommandLineResult result = CommandLine.Parse(["-version"], new Dictionary<string, string>());

        result.ExitCode.ShouldBe(0);
        result.Text!.Split('\n')[0].Trim().ShouldBe("etcd Version: " + ReleaseInfo.EtcdVersion);
    }

    [Fact]
    public void Help_names_every_flag_and_explains_those_with_an_effect()
    {
        string text = CommandLine.Parse(["--help"], new Dictionary<string, string>()).Text!;

        Flags.All.ShouldAllBe(flag => text.Contains("--" + flag.Name, StringComparison.Ordinal));
        text.ReplaceLineEndings(" ").ShouldContain("Milliseconds from which");
        text.Split(Environment.NewLine).ShouldAllBe(line => line.Length <= 120);
    }

    [Fact]
    public void No_two_flags_share_a_name() =>
        Flags.All.SelectMany(flag => flag.Names).ShouldBeUnique();

    [Fact]
    public void Every_default_is_a_valid_value()
    {
        foreach (Flag flag in Flags.All.Where(flag => flag.Default is { Length: > 0 }))
        {
            CommandLine.Parse([$"--{flag.Name}={flag.Default}"], new Dictionary<string, string>()).Text.ShouldBeNull();
        }
    }

    [Fact]
    public void The_options_do_not_print_the_password() =>
        $"{Serve(["--database", "postgres://u:hunter2@h/d"])}".ShouldNotContain("hunter2");

    private static ServerOptions Serve(string[] args, params (string Name, string Value)[] environment)
    {
        CommandLineResult result = CommandLine.Parse(args, environment.ToDictionary(v => v.Name, v => v.Value));
        result.Text.ShouldBeNull();
        return result.Options.ShouldNotBeNull();
    }

    private static string Fail(string[] args, params (string Name, string Value)[] environment)
    {
        CommandLineResult result = CommandLine.Parse(args, environment.ToDictionary(v => v.Name, v => v.Value));
        result.Options.ShouldBeNull();
        result.ExitCode.ShouldBe(1);
        return result.Text.ShouldNotBeNull();
    }
}
