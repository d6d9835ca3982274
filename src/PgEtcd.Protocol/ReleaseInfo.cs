using System.Runtime.InteropServices;

namespace PgEtcd.Protocol;

/// <summary>The versions that this build reports.</summary>
public static class ReleaseInfo
{
    /// <summary>The etcd release whose behaviour this build follows. /version and Status return it, and clients check it.</summary>
    public const string EtcdVersion = "3.6.14";

    /// <summary>etcd's cluster version: the release without the patch number.</summary>
    public const string ClusterVersion = "3.6";

    /// <summary>The version of the storage format, as returned by Status and Snapshot.</summary>
    public const string StorageVersion = ClusterVersion + ".0";

    /// <summary>PgEtcd's own version.</summary>
    public static string PgEtcdVersion { get; } = typeof(ReleaseInfo).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>The output of --version. The first line is etcd's, as scripts extract the version from it.</summary>
    public static string VersionText { get; } = string.Join(Environment.NewLine,
        $"etcd Version: {EtcdVersion}",
        $"PgEtcd Version: {PgEtcdVersion}",
        $".NET Version: {Environment.Version}",
        $"OS/Arch: linux/{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}");
}
