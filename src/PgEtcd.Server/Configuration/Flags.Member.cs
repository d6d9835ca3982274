using PgEtcd.Frontend.Members;

namespace PgEtcd.Server.Configuration;

/// <content>This frontend among the others.</content>
internal static partial class Flags
{
    public const string DefaultName = ClusterIdentity.DefaultName;
    public const string DefaultPeerUrl = ClusterIdentity.DefaultPeerUrl;

    public static readonly Flag Name = new("name", DefaultName, "name", "This member's name.") { Group = FlagGroup.Member };

    public static readonly Flag InitialClusterToken = new("initial-cluster-token", "etcd-cluster", "token",
        "Token that the cluster id is derived from; the same on every frontend.")
    { Group = FlagGroup.Member };

    public static readonly Flag InitialAdvertisePeerUrls = new("initial-advertise-peer-urls", DefaultPeerUrl, "urls",
        "Peer URLs to show in the member list; nothing listens there.")
    { Group = FlagGroup.Member };

    public static readonly Flag ElectionTimeout = new("election-timeout", "1000", "ms",
        "Milliseconds from which the shortest lease and the request timeout are derived.")
    { Group = FlagGroup.Member };

    public static readonly Flag HeartbeatInterval = new("heartbeat-interval", "100", "ms",
        "Milliseconds per tick; --election-timeout counts in whole ticks and must be at least five.")
    { Group = FlagGroup.Member };
}
