namespace PgEtcd.Snapshots;

/// <summary>The buckets and keys of etcd's storage that are read or written (snapshot-format.md §9).</summary>
internal static class Buckets
{
    public const string Key = "key";
    public const string Lease = "lease";
    public const string Meta = "meta";
    public const string Auth = "auth";
    public const string AuthUsers = "authUsers";
    public const string AuthRoles = "authRoles";

    /// <summary>Buckets that etcd expects or creates, and that are empty in written files.</summary>
    public static readonly string[] Empty = ["alarm", "cluster", "members", "members_removed"];

    public static ReadOnlySpan<byte> ScheduledCompactRevision => "scheduledCompactRev"u8;

    public static ReadOnlySpan<byte> FinishedCompactRevision => "finishedCompactRev"u8;

    public static ReadOnlySpan<byte> AuthEnabled => "authEnabled"u8;

    public static ReadOnlySpan<byte> AuthRevision => "authRevision"u8;
}
