using System.Runtime.InteropServices;

namespace PgEtcd.Protocol;

/// <summary>What this build calls itself.</summary>
public static class ReleaseInfo
{
    /// <summary>The etcd release whose behaviour is followed: what /version and Status answer, and clients look at.</summary>
    public const string EtcdVersion = "3.6.14";

    /// <summary>What etcd calls the cluster version: the release without its patch.</summary>
    public const string ClusterVersion = "3.6";

    /// <summary>The version of the storage format that Status and Snapshot name.</summary>
    public const string StorageVersion = ClusterVersion + ".0";

    /// <summary>PgEtcd's own version.</summary>
    public static string PgEtcdVersion { get; } = typeof(ReleaseInfo).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>The lines of --version. The first is etcd's, because scripts cut the version out of it.</summary>
    public static string VersionText { get; } = string.Join(Environment.NewLine,
        $"etcd Version: {EtcdVersion}",
        $"PgEtcd Version: {PgEtcdVersion}",
        $".NET Version: {Environment.Version}",
        $"OS/Arch: linux/{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}");
}
