namespace PgEtcd.Server.Configuration;

/// <summary>One flag of the command line.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Default">As it would be typed; null when the default is worked out from other flags.</param>
/// <param name="ValueName">What stands for the value in the help.</param>
/// <param name="Help">One line for the help.</param>
internal sealed record Flag(string Name, string? Default, string ValueName, string Help)
{
    /// <summary>Our own flags are also read from PGETCD_…, where the flag wins; etcd's from ETCD_…, where giving both is an error.</summary>
    public bool IsOurs { get; init; }

    /// <summary>The environment variable that stands for the flag.</summary>
    public string Variable => (IsOurs ? "PGETCD_" : "ETCD_") + Name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>The flags: the only list of them. Names and defaults are etcd's (flags.md), except for our own few.</summary>
internal static class Flags
{
    public const string DefaultName = "default";
    public const string DefaultPeerUrl = "http://localhost:2380";

    public static readonly Flag Database = new("database", null, "address",
        "PostgreSQL: a postgres:// URL or an Npgsql connection string. Without it a private local PostgreSQL is run under --data-dir.")
    { IsOurs = true };

    public static readonly Flag Schema = new("schema", "pgetcd", "name", "Schema that holds this cluster; one schema is one cluster.")
    { IsOurs = true };

    public static readonly Flag DataDir = new("data-dir", null, "path",
        "Directory of the private local PostgreSQL (default ./<name>.pgetcd); unused with --database.");

    public static readonly Flag Name = new("name", DefaultName, "name", "This member's name.");

    public static readonly Flag ListenClientUrls = new("listen-client-urls", "http://localhost:2379", "urls",
        "Comma-separated URLs to serve clients on: gRPC and HTTP on the same port.");

    public static readonly Flag AdvertiseClientUrls = new("advertise-client-urls", null, "urls",
        "Comma-separated URLs that clients are told to connect to (default: the listen URLs).");

    public static readonly Flag MaxRequestBytes = new("max-request-bytes", "1572864", "bytes", "Largest client request in bytes.");

    public static readonly Flag MaxTxnOps = new("max-txn-ops", "128", "count", "Most operations in one branch of a transaction.");

    public static readonly Flag InitialClusterToken = new("initial-cluster-token", "etcd-cluster", "token",
        "What the cluster id is made of; the same on every frontend.");

    public static readonly Flag InitialAdvertisePeerUrls = new("initial-advertise-peer-urls", DefaultPeerUrl, "urls",
        "Peer URLs to show in the member list; nothing listens there.");

    public static readonly Flag ElectionTimeout = new("election-timeout", "1000", "ms",
        "Milliseconds from which the shortest lease and the request timeout are derived.");

    public static readonly Flag AutoCompactionMode = new("auto-compaction-mode", "periodic", "mode",
        "How --auto-compaction-retention is read: periodic (time) or revision (count).");

    public static readonly Flag AutoCompactionRetention = new("auto-compaction-retention", "0", "amount",
        "History that auto-compaction leaves: hours or a duration (periodic), or revisions. 0: no auto-compaction.");

    public static readonly Flag CompactionBatchLimit = new("compaction-batch-limit", "1000", "count",
        "Rows that removal after a compaction looks at in one transaction.");

    public static readonly Flag ExperimentalCompactionBatchLimit = CompactionBatchLimit with
    {
        Name = "experimental-compaction-batch-limit",
        Help = "Old name of --compaction-batch-limit.",
    };

    public static readonly Flag CompactionSleepInterval = new("compaction-sleep-interval", "10ms", "duration",
        "Pause between two such transactions.");

    public static readonly Flag ExperimentalCompactionSleepInterval = CompactionSleepInterval with
    {
        Name = "experimental-compaction-sleep-interval",
        Help = "Old name of --compaction-sleep-interval.",
    };

    public static readonly Flag WatchProgressNotifyInterval = new("watch-progress-notify-interval", "10m", "duration",
        "How often a watch that asked for it is told its progress; at least 100ms.");

    public static readonly Flag ExperimentalWatchProgressNotifyInterval = WatchProgressNotifyInterval with
    {
        Name = "experimental-watch-progress-notify-interval",
        Help = "Old name of --watch-progress-notify-interval.",
    };

    public static readonly Flag HistoryRetention = new("history-retention", "0", "duration",
        "How long rows that compaction removes stay readable in SQL, e.g. 720h or 30d; the same on every frontend. 0: they are deleted.")
    { IsOurs = true };

    public static readonly Flag SqlWriteTimeout = new("sql-write-timeout", "5s", "duration",
        "How long an SQL transaction that changed keys may hold up all other writes before it is cancelled. 0: for ever.")
    { IsOurs = true };

    public static readonly Flag LogLevel = new("log-level", "info", "level", "debug, info, warn, error, panic or fatal.");

    public static readonly IReadOnlyList<Flag> All =
    [
        Name, Database, Schema, DataDir, ListenClientUrls, AdvertiseClientUrls, MaxRequestBytes, MaxTxnOps,
        InitialClusterToken, InitialAdvertisePeerUrls, ElectionTimeout, LogLevel,
        AutoCompactionMode, AutoCompactionRetention, CompactionBatchLimit, ExperimentalCompactionBatchLimit,
        CompactionSleepInterval, ExperimentalCompactionSleepInterval, HistoryRetention,
        SqlWriteTimeout,
        WatchProgressNotifyInterval, ExperimentalWatchProgressNotifyInterval,
    ];

    /// <summary>
    /// etcd's flags that speak of Raft and its files only (flags.md §2, those that manifests carry): accepted, so that a
    /// manifest made for etcd starts, and named in a warning.
    /// </summary>
    public static readonly IReadOnlyList<string> WithoutMeaning =
    [
        "listen-peer-urls", "initial-cluster", "initial-cluster-state", "strict-reconfig-check", "force-new-cluster", "wal-dir",
        "snapshot-count", "snapshot-catchup-entries", "max-snapshots", "max-wals", "heartbeat-interval",
        "initial-election-tick-advance", "pre-vote", "backend-bbolt-freelist-type", "backend-batch-interval",
        "backend-batch-limit", "unsafe-no-fsync",
    ];
}
