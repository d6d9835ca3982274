using PgEtcd.Server.CommandLines;
using PgEtcd.Server.Options;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Configuration;

public sealed class ConfigFileTests : IDisposable
{
    private readonly TempDirectory _directory = new("config");

    private string File => Path.Combine(_directory.Path, "etcd.yaml");

    [Fact]
    public void A_file_for_etcd_is_read_as_in_etcd()
    {
        ServerOptions options = Serve(
            """
            # a comment
            name: 'infra0'
            data-dir: /var/lib/etcd
            wal-dir:
            snapshot-count: 10000
            heartbeat-interval: 100
            election-timeout: 1000
            listen-client-urls: http://127.0.0.1:2379,http://[::1]:2380
            advertise-client-urls: http://example.com:2379
            initial-cluster: null
            auto-compaction-mode: revision
            auto-compaction-retention: "1000"
            watch-progress-notify-interval: 5000000000
            compaction-sleep-interval: 20ms
            logger: zap
            log-outputs: [stderr, /tmp/etcd.log]
            pre-vote: true
            client-transport-security:
              cert-file:
              key-file: ''
              client-cert-auth: false
            peer-transport-security:
              cert-file: /etc/peer.crt
              client-cert-auth: True
            """);

        options.Name.ShouldBe("infra0");
        options.DataDir.ShouldBe("/var/lib/etcd");
        options.ListenClientUrls.Select(url => url.ToString()).ShouldBe(["http://127.0.0.1:2379", "http://[::1]:2380"]);
        options.AdvertiseClientUrls.ShouldBe(["http://example.com:2379"]);
        options.Compaction.RetainedRevisions.ShouldBe(1000);
        options.Compaction.SleepInterval.ShouldBe(TimeSpan.FromMilliseconds(20));
        options.WatchProgressNotifyInterval.ShouldBe(TimeSpan.FromSeconds(5));
        options.Logging.Outputs.ShouldBe(["stderr", "/tmp/etcd.log"]);
        options.Warnings.ShouldHaveSingleItem().ShouldBe(
            "Accepted for compatibility with etcd, without effect here: "
            + $"snapshot-count in {File}, pre-vote in {File}, "
            + $"peer-transport-security: cert-file in {File}, peer-transport-security: client-cert-auth in {File}.");
    }

    [Fact]
    public void JSON_is_read_too() => Serve("""{"name": "a", "max-txn-ops": 7}""").Limits.MaxTxnOps.ShouldBe(7);

    [Fact]
    public void An_empty_file_is_all_defaults() => Serve("# nothing\n").Name.ShouldBe("default");

    [Fact]
    public void Flags_and_variables_of_etcd_do_not_count_beside_a_file_and_are_named()
    {
        System.IO.File.WriteAllText(File, "name: a");
        CommandLineResult result = CommandLine.Parse(
            ["--config-file", File, "--max-txn-ops", "7"],
            new Dictionary<string, string> { ["ETCD_NAME"] = "b", ["ETCD_CONFIG_FILE"] = "/no/such/file" });

        ServerOptions options = result.Options.ShouldNotBeNull();
        options.Name.ShouldBe("a");
        options.Limits.MaxTxnOps.ShouldBe(128);
        options.Warnings.ShouldBe([$"Without effect because {File} is the configuration: --max-txn-ops, ETCD_NAME."]);
    }

    [Fact]
    public void Our_own_flags_count_beside_a_file_and_win_over_it()
    {
        System.IO.File.WriteAllText(File, "database: Host=file\nschema: file");
        Dictionary<string, string> environment = new() { ["ETCD_CONFIG_FILE"] = File, ["PGETCD_DATABASE"] = "Host=variable" };

        CommandLine.Parse([], environment).Options.ShouldNotBeNull().ShouldSatisfyAllConditions(
            options => options.Database.ShouldBe("Host=variable"), options => options.Schema.ShouldBe("file"));
        CommandLine.Parse(["--database", "Host=typed"], environment).Options.ShouldNotBeNull().Database.ShouldBe("Host=typed");
    }

    [Theory]
    [InlineData("nam: a", "has an unknown key nam: did you mean name?")]
    [InlineData("frobnicate: a", "has an unknown key frobnicate: the keys are the flags of --help.")]
    [InlineData("client-transport-security:\n  cert-fil: a", "has an unknown key cert-fil: did you mean cert-file?")]
    [InlineData("client-transport-security:\n  x: a", "has an unknown key x: the keys are the flags of --help.")]
    [InlineData("client-transport-security:\n  cert-file: a", "client-transport-security: cert-file in {0} needs --key-file too.")]
    [InlineData("client-transport-security: a", "client-transport-security in {0} must be a mapping.")]
    [InlineData("name: {a: b}", "name in {0} must be one value or a list of values.")]
    [InlineData("max-txn-ops: many", "max-txn-ops in {0} must be a whole number from 1 to 2147483647, not \"many\".")]
    [InlineData("watch-progress-notify-interval: 5", "watch-progress-notify-interval in {0} must be at least 100ms, not \"5\".")]
    [InlineData("watch-progress-notify-interval: 5s\nexperimental-watch-progress-notify-interval: 5s", "are the same flag: give one.")]
    [InlineData("name: a\nname: b", "is not valid YAML: look at line 2.")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[", "is not valid YAML: look at line 1.")]
    [InlineData("database: 'hunter2\nname: b", "is not valid YAML: look at line")]
    [InlineData("- name", "must hold one YAML mapping of flags to values.")]
    [InlineData("just words", "must hold one YAML mapping of flags to values.")]
    public void An_error_in_a_file_is_one_sentence(string text, string sentence)
    {
        System.IO.File.WriteAllText(File, text);
        CommandLineResult result = CommandLine.Parse(["--config-file=" + File], new Dictionary<string, string>());

        result.ExitCode.ShouldBe(1);
        result.Text.ShouldNotBeNull().ShouldContain(sentence.Replace("{0}", File, StringComparison.Ordinal));
        result.Text.ShouldNotContain("hunter2");
        result.Text.ShouldNotContain("\n");
    }

    public void Dispose() => _directory.Dispose();

    private ServerOptions Serve(string text)
    {
        System.IO.File.WriteAllText(File, text);
        CommandLineResult result = CommandLine.Parse(["--config-file", File], new Dictionary<string, string>());
        result.Text.ShouldBeNull();
        return result.Options.ShouldNotBeNull();
    }
}
