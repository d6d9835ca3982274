using PgEtcd.Api;
using PgEtcd.Api.Gateway;
using PgEtcd.Console;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Compaction;
using PgEtcd.Frontend.Members;
using PgEtcd.Postgres.Connections;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.Proxies;

namespace PgEtcd.Server.Options;

/// <summary>A frontend's options, checked. Made from the flags; never changes.</summary>
public sealed record ServerOptions
{
    /// <summary>The member's name: MemberList shows it and <see cref="ClusterIdentity"/> takes the member id from it.</summary>
    public required string Name { get; init; }

    /// <summary>Npgsql's connection string, or null: run a private local PostgreSQL in <see cref="DataDir"/>. Holds the password.</summary>
    public required string? Database { get; init; }

    /// <summary>The command that prints the password of <see cref="Database"/>; null: the address holds it, or none is needed.</summary>
    public PasswordCommand? DatabasePassword { get; init; }

    /// <summary>The schema that holds the cluster; a legal identifier, not yet quoted.</summary>
    public required string Schema { get; init; }

    /// <summary>Absolute path of the private local PostgreSQL's directory. Unused when <see cref="Database"/> is given.</summary>
    public required string DataDir { get; init; }

    /// <summary>Whether <see cref="DataDir"/> is the default: the server may then move it to a place that PostgreSQL can reach.</summary>
    public required bool DataDirIsDefault { get; init; }

    /// <summary>--migrate=auto: the schema may be created and changed.</summary>
    public required bool MayMigrate { get; init; }

    /// <summary>URLs for clients: gRPC and HTTP on the same port. At least one.</summary>
    public required IReadOnlyList<ListenUrl> ListenClientUrls { get; init; }

    /// <summary>URLs for HTTP alone. If there are any, <see cref="ListenClientUrls"/> serve gRPC alone.</summary>
    public required IReadOnlyList<ListenUrl> ListenClientHttpUrls { get; init; }

    /// <summary>URLs for metrics and health alone.</summary>
    public required IReadOnlyList<ListenUrl> ListenMetricsUrls { get; init; }

    /// <summary>TLS for clients; null if no URL uses it.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>--metrics=extensive: also histograms of the durations of gRPC methods.</summary>
    public required bool ExtensiveMetrics { get; init; }

    /// <summary>The URLs that MemberList gives to clients.</summary>
    public required IReadOnlyList<string> AdvertiseClientUrls { get; init; }

    /// <summary>Limits of a request.</summary>
    public required RequestLimits Limits { get; init; }

    /// <summary>Most bytes of the store; 0 or less: no limit.</summary>
    public required long QuotaBackendBytes { get; init; }

    /// <summary>The cluster's token, from which the cluster id is derived.</summary>
    public required string InitialClusterToken { get; init; }

    /// <summary>Peer URLs, shown by MemberList and used for the member id. Nothing listens on them.</summary>
    public required IReadOnlyList<string> InitialAdvertisePeerUrls { get; init; }

    /// <summary>The proxies whose connections begin with a PROXY header, on all addresses but those for metrics; null: none.</summary>
    public required TrustedProxies? TrustedProxies { get; init; }

    /// <summary>Several processes may listen on the same port.</summary>
    public required bool ReusePort { get; init; }

    /// <summary>Most streams at a time on one connection.</summary>
    public required int MaxConcurrentStreams { get; init; }

    /// <summary>Silence after which a client is pinged; null: never.</summary>
    public required TimeSpan? KeepAlivePingInterval { get; init; }

    /// <summary>How long the answer to a ping may take.</summary>
    public required TimeSpan KeepAlivePingTimeout { get; init; }

    /// <summary>Logs.</summary>
    public required LoggingOptions Logging { get; init; }

    /// <summary>Traces; null: none.</summary>
    public required TracingOptions? Tracing { get; init; }

    /// <summary>Sentences for the log about flags and variables that were accepted but have no effect.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Interval of the progress notifications of a watch that asked for them, in the absence of events.</summary>
    public required TimeSpan WatchProgressNotifyInterval { get; init; }

    /// <summary>The longest time that an SQL writer may hold the append lock while others wait; zero: no limit.</summary>
    public required TimeSpan SqlWriteTimeout { get; init; }

    /// <summary>Passwords and tokens.</summary>
    public required AuthOptions Auth { get; init; }

    /// <summary>Compaction, removal and the archive.</summary>
    public required CompactionOptions Compaction { get; init; }

    /// <summary>Plain HTTP and the JSON gateway.</summary>
    public required GatewayOptions Gateway { get; init; }

    /// <summary>The pages at /ui.</summary>
    public required ConsoleOptions Console { get; init; }

    /// <summary>Time limit of a request.</summary>
    public TimeSpan RequestTimeout => Limits.RequestTimeout;

    /// <summary>The ids in every response header.</summary>
    public ClusterIdentity Identity => ClusterIdentity.From(Name, InitialClusterToken, InitialAdvertisePeerUrls);

    /// <summary>Leaves the connection string out: it may hold a password.</summary>
    public override string ToString() => $"{Name}, schema {Schema}, {string.Join(",", ListenClientUrls)}";
}
