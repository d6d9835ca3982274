using System.Globalization;
using System.Text;
using PgEtcd.Server.Configuration;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Configuration;

/// <summary>The table of flags, compared with etcd 3.6 and with the documentation.</summary>
public class FlagTableTests
{
    /// <summary>From the deployment manifests and the help of etcd 3.6 (flags.md). Flags read only by other parts of the server are added
    /// together with those.</summary>
    private const string Etcds = """
        name listen-client-urls advertise-client-urls cert-file key-file trusted-ca-file client-cert-auth client-cert-file client-key-file
        client-crl-file client-cert-allowed-hostname auto-tls self-signed-cert-validity cipher-suites tls-min-version tls-max-version
        auth-token auth-token-ttl bcrypt-cost auto-compaction-mode auto-compaction-retention max-txn-ops max-request-bytes
        max-concurrent-streams grpc-keepalive-min-time grpc-keepalive-interval grpc-keepalive-timeout watch-progress-notify-interval
        experimental-watch-progress-notify-interval compaction-batch-limit compaction-sleep-interval experimental-compaction-batch-limit
        experimental-compaction-sleep-interval warning-apply-duration experimental-warning-apply-duration warning-unary-request-duration
        experimental-warning-unary-request-duration logger log-level log-format log-outputs enable-log-rotation log-rotation-config-json
        enable-pprof enable-distributed-tracing distributed-tracing-address distributed-tracing-service-name distributed-tracing-instance-id
        distributed-tracing-sampling-rate experimental-enable-distributed-tracing experimental-distributed-tracing-address
        experimental-distributed-tracing-service-name experimental-distributed-tracing-instance-id
        experimental-distributed-tracing-sampling-rate socket-reuse-port socket-reuse-address feature-gates election-timeout
        heartbeat-interval config-file data-dir strict-reconfig-check initial-cluster-token initial-cluster initial-advertise-peer-urls
        listen-peer-urls initial-cluster-state force-new-cluster wal-dir snapshot-count snapshot-catchup-entries
        experimental-snapshot-catchup-entries max-snapshots max-wals initial-election-tick-advance pre-vote raft-read-timeout
        raft-write-timeout backend-bbolt-freelist-type backend-batch-interval backend-batch-limit memory-mlock experimental-memory-mlock
        unsafe-no-fsync bootstrap-defrag-threshold-megabytes experimental-bootstrap-defrag-threshold-megabytes peer-cert-file peer-key-file
        peer-trusted-ca-file peer-client-cert-auth peer-client-cert-file peer-client-key-file peer-crl-file peer-auto-tls
        peer-cert-allowed-cn peer-cert-allowed-hostname peer-skip-client-san-verification experimental-peer-skip-client-san-verification
        discovery discovery-endpoints discovery-token discovery-dial-timeout discovery-request-timeout discovery-keepalive-time
        discovery-keepalive-timeout discovery-insecure-transport discovery-insecure-skip-tls-verify discovery-cert discovery-key
        discovery-cacert discovery-user discovery-password discovery-fallback discovery-proxy discovery-srv discovery-srv-name
        corrupt-check-time experimental-corrupt-check-time experimental-initial-corrupt-check experimental-compact-hash-check-enabled
        compact-hash-check-time experimental-compact-hash-check-time experimental-enable-lease-checkpoint
        experimental-enable-lease-checkpoint-persist experimental-txn-mode-write-with-shared-buffer
        experimental-stop-grpc-service-on-defrag downgrade-check-time experimental-downgrade-check-time max-learners v2-deprecation
        enable-v2
        """;

    private static readonly string Document = Path.Combine(Repository.Root, "docs", "configuration.md");

    [Fact]
    public void Every_flag_of_etcd_is_there() =>
        Etcds.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Except(Flags.All.SelectMany(flag => flag.Names)).ShouldBeEmpty();

    /// <summary>PGETCD_WRITE_DOCS=1 rewrites the tables.</summary>
    [Fact]
    public void The_tables_in_the_documentation_are_those_of_the_code()
    {
        string text = File.ReadAllText(Document);
        string expected = text;
        foreach (FlagGroup group in Enum.GetValues<FlagGroup>())
        {
            string begin = $"<!-- {group} -->\n";
            int start = expected.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
            int end = expected.IndexOf("<!-- end -->", start, StringComparison.Ordinal);
            start.ShouldBeGreaterThan(begin.Length, $"docs/configuration.md has a place for {group}");
            expected = expected[..start] + Table(group) + expected[end..];
        }

        if (Environment.GetEnvironmentVariable("PGETCD_WRITE_DOCS") == "1")
        {
            File.WriteAllText(Document, expected);
            return;
        }

        (text == expected).ShouldBeTrue("docs/configuration.md is out of date: run this test with PGETCD_WRITE_DOCS=1");
    }

    private static string Table(FlagGroup group)
    {
        StringBuilder table = new("| flag | default | meaning |\n|---|---|---|\n");
        foreach (Flag flag in Flags.All.Where(flag => flag.Group == group))
        {
            string oldName = flag.OldName is null ? "" : $" Old name: `{flag.OldName}`.";
            string value = flag.Default is { Length: > 0 } ? $"`{flag.Default}`" : "";
            table.Append(CultureInfo.InvariantCulture, $"| `{flag.Name}` | {value} | {(flag.Help + oldName).Trim()} |\n");
        }

        return table.ToString();
    }
}
