using PgEtcd.Frontend.Members;

namespace PgEtcd.Server.Configuration;

/// <content>This frontend among the others.</content>
internal static partial class Flags
{
    private const string DefaultPeerUrl = ClusterIdentity.DefaultPeerUrl;

    public static readonly Flag Name = new(FlagGroup.Member, "name", ClusterIdentity.DefaultName, "name", "This member's name.");

    public static readonly Flag InitialClusterToken = new(FlagGroup.Member, "initial-cluster-token", "etcd-cluster", "token",
        "Token that the cluster id is derived from; the same on every frontend.");

    public static readonly Flag InitialAdvertisePeerUrls = new(FlagGroup.Member, "initial-advertise-peer-urls", DefaultPeerUrl, "urls",
        "Peer URLs to show in the member list; nothing listens there.");

    public static readonly Flag ElectionTimeout = new(FlagGroup.Member, "election-timeout", "1000", "ms",
        "Milliseconds from which the shortest lease and the request timeout are derived.");

    public static readonly Flag HeartbeatInterval = new(FlagGroup.Member, "heartbeat-interval", "100", "ms",
        "Milliseconds per tick; --election-timeout counts in whole ticks and must be at least five.");
}
