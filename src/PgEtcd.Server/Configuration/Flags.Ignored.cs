namespace PgEtcd.Server.Configuration;

/// <content>Flags of etcd without effect here (flags.md §2), among them flags that newer versions of etcd have dropped and old
/// manifests still carry.</content>
internal static partial class Flags
{
    public static readonly Flag FeatureGates = Ignored("feature-gates", "", "Feature gates; the names are checked.");

    public static readonly Flag GrpcKeepaliveMinTime = Ignored("grpc-keepalive-min-time", "5s",
        "Shortest time between two pings of a client; here every ping is answered.");

    public static readonly Flag EnablePprof = Ignored("enable-pprof", "false", "Go's profiles.");
    public static readonly Flag StrictReconfigCheck = Ignored(
        "strict-reconfig-check", "true", "Refuses member changes that would lose the quorum.");
    public static readonly Flag ListenPeerUrls = Ignored("listen-peer-urls", DefaultPeerUrl, "URLs that peers connect to.");
    public static readonly Flag InitialCluster = Ignored("initial-cluster", "default=http://localhost:2380", "Initial members.");
    public static readonly Flag InitialClusterState = Ignored("initial-cluster-state", "new", "new or existing.");
    public static readonly Flag ForceNewCluster = Ignored("force-new-cluster", "false", "Starts a new cluster of one member.");
    public static readonly Flag WalDir = Ignored("wal-dir", "", "Directory of the write-ahead log.");
    public static readonly Flag SnapshotCount = Ignored("snapshot-count", "10000", "Entries between two snapshots.");

    public static readonly Flag SnapshotCatchupEntries = Ignored("snapshot-catchup-entries", "5000", "Entries kept for slow followers.",
        "experimental-snapshot-catchup-entries");

    public static readonly Flag MaxSnapshots = Ignored("max-snapshots", "5", "Snapshot files to keep.");
    public static readonly Flag MaxWals = Ignored("max-wals", "5", "Files of the write-ahead log to keep.");
    public static readonly Flag InitialElectionTickAdvance = Ignored("initial-election-tick-advance", "true", "A faster first election.");
    public static readonly Flag PreVote = Ignored("pre-vote", "true", "A vote before the election.");
    public static readonly Flag RaftReadTimeout = Ignored("raft-read-timeout", "5s", "Time limit of reads from a peer.");
    public static readonly Flag RaftWriteTimeout = Ignored("raft-write-timeout", "5s", "Time limit of writes to a peer.");
    public static readonly Flag MaxLearners = Ignored("max-learners", "1", "Largest number of learners.", "experimental-max-learners");
    public static readonly Flag V2Deprecation = Ignored("v2-deprecation", "write-only", "Phase of the v2 store's deprecation.");

    public static readonly Flag BackendBboltFreelistType = Ignored("backend-bbolt-freelist-type", "map", "Type of bbolt's free list.",
        "experimental-backend-bbolt-freelist-type");

    public static readonly Flag BackendBatchInterval = Ignored("backend-batch-interval", "0", "Time between commits of bbolt.");
    public static readonly Flag BackendBatchLimit = Ignored("backend-batch-limit", "0", "Operations in a commit of bbolt.");
    public static readonly Flag MemoryMlock = Ignored(
        "memory-mlock", "false", "Keeps bbolt's pages in memory.", "experimental-memory-mlock");
    public static readonly Flag UnsafeNoFsync = Ignored("unsafe-no-fsync", "false", "Skips fsync; here PostgreSQL decides.");

    public static readonly Flag BootstrapDefragThresholdMegabytes = Ignored("bootstrap-defrag-threshold-megabytes", "0",
        "Free space that makes etcd defragment at its start.", "experimental-bootstrap-defrag-threshold-megabytes");

    public static readonly Flag ClientCertFile = Ignored(
        "client-cert-file", "", "Client certificate of etcd's gateway; here the gateway needs none.");
    public static readonly Flag ClientKeyFile = Ignored("client-key-file", "", "Key of that certificate.");
    public static readonly Flag PeerCertFile = Ignored("peer-cert-file", "", "TLS between peers, like the next ten.");
    public static readonly Flag PeerKeyFile = Ignored("peer-key-file", "");
    public static readonly Flag PeerTrustedCaFile = Ignored("peer-trusted-ca-file", "");
    public static readonly Flag PeerClientCertAuth = Ignored("peer-client-cert-auth", "false");
    public static readonly Flag PeerClientCertFile = Ignored("peer-client-cert-file", "");
    public static readonly Flag PeerClientKeyFile = Ignored("peer-client-key-file", "");
    public static readonly Flag PeerCrlFile = Ignored("peer-crl-file", "");
    public static readonly Flag PeerAutoTls = Ignored("peer-auto-tls", "false");
    public static readonly Flag PeerCertAllowedCn = Ignored("peer-cert-allowed-cn", "");
    public static readonly Flag PeerCertAllowedHostname = Ignored("peer-cert-allowed-hostname", "");

    public static readonly Flag PeerSkipClientSanVerification = Ignored("peer-skip-client-san-verification", "false", "",
        "experimental-peer-skip-client-san-verification");

    public static readonly Flag SetMemberLocaladdr = Ignored("experimental-set-member-localaddr", "false", "Address to dial peers from.");

    public static readonly Flag Discovery = Ignored("discovery", "", "Discovery of the first members, like the next sixteen.");
    public static readonly Flag DiscoveryEndpoints = Ignored("discovery-endpoints", "");
    public static readonly Flag DiscoveryToken = Ignored("discovery-token", "");
    public static readonly Flag DiscoveryDialTimeout = Ignored("discovery-dial-timeout", "2s");
    public static readonly Flag DiscoveryRequestTimeout = Ignored("discovery-request-timeout", "5s");
    public static readonly Flag DiscoveryKeepaliveTime = Ignored("discovery-keepalive-time", "2s");
    public static readonly Flag DiscoveryKeepaliveTimeout = Ignored("discovery-keepalive-timeout", "6s");
    public static readonly Flag DiscoveryInsecureTransport = Ignored("discovery-insecure-transport", "true");
    public static readonly Flag DiscoveryInsecureSkipTlsVerify = Ignored("discovery-insecure-skip-tls-verify", "false");
    public static readonly Flag DiscoveryCert = Ignored("discovery-cert", "");
    public static readonly Flag DiscoveryKey = Ignored("discovery-key", "");
    public static readonly Flag DiscoveryCacert = Ignored("discovery-cacert", "");
    public static readonly Flag DiscoveryUser = Ignored("discovery-user", "");
    public static readonly Flag DiscoveryPassword = Ignored("discovery-password", "");
    public static readonly Flag DiscoveryFallback = Ignored("discovery-fallback", "exit");
    public static readonly Flag DiscoveryProxy = Ignored("discovery-proxy", "");
    public static readonly Flag DiscoverySrv = Ignored("discovery-srv", "");
    public static readonly Flag DiscoverySrvName = Ignored("discovery-srv-name", "");

    public static readonly Flag CorruptCheckTime = Ignored("corrupt-check-time", "0s", "How often members compare their hashes.",
        "experimental-corrupt-check-time");

    public static readonly Flag CompactHashCheckTime = Ignored("compact-hash-check-time", "1m",
        "How often members compare their hashes after a compaction.", "experimental-compact-hash-check-time");

    public static readonly Flag DowngradeCheckTime =
        Ignored("downgrade-check-time", "5s", "How often members look at the cluster's version.",
        "experimental-downgrade-check-time");

    public static readonly Flag ExperimentalInitialCorruptCheck = Ignored("experimental-initial-corrupt-check", "false",
        "Old form of a feature gate, like the next five.");

    public static readonly Flag ExperimentalCompactHashCheckEnabled = Ignored("experimental-compact-hash-check-enabled", "false");
    public static readonly Flag ExperimentalEnableLeaseCheckpoint = Ignored("experimental-enable-lease-checkpoint", "false");
    public static readonly Flag ExperimentalEnableLeaseCheckpointPersist = Ignored("experimental-enable-lease-checkpoint-persist", "false");
    public static readonly Flag ExperimentalTxnModeWriteWithSharedBuffer = Ignored(
        "experimental-txn-mode-write-with-shared-buffer", "true");
    public static readonly Flag ExperimentalStopGrpcServiceOnDefrag = Ignored("experimental-stop-grpc-service-on-defrag", "false");

    public static readonly Flag EnableV2 = Ignored("enable-v2", "false", "The v2 API, dropped in etcd 3.6 like the rest of this list.");
    public static readonly Flag ExperimentalEnableV2V3 = Ignored("experimental-enable-v2v3", "");
    public static readonly Flag Debug = Ignored("debug", "false");
    public static readonly Flag LogPackageLevels = Ignored("log-package-levels", "");
    public static readonly Flag Proxy = Ignored("proxy", "off");
    public static readonly Flag ProxyFailureWait = Ignored("proxy-failure-wait", "5000");
    public static readonly Flag ProxyRefreshInterval = Ignored("proxy-refresh-interval", "30000");
    public static readonly Flag ProxyDialTimeout = Ignored("proxy-dial-timeout", "1000");
    public static readonly Flag ProxyWriteTimeout = Ignored("proxy-write-timeout", "5000");
    public static readonly Flag ProxyReadTimeout = Ignored("proxy-read-timeout", "0");

    private static Flag Ignored(string name, string value, string help = "", string? oldName = null) =>
        new(name, value, "value", help) { Group = FlagGroup.Ignored, OldName = oldName };
}
