namespace PgEtcd.Snapshots;

/// <summary>The records of etcd's buckets of users and roles, by name.</summary>
/// <param name="IsEnabled">Whether requests are checked.</param>
/// <param name="Revision">etcd's auth revision, at least 1.</param>
/// <param name="Users">Name and authpb.User.</param>
/// <param name="Roles">Name and authpb.Role.</param>
public sealed record SnapshotAuth(
    bool IsEnabled,
    long Revision,
    IReadOnlyList<(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Record)> Users,
    IReadOnlyList<(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Record)> Roles)
{
    /// <summary>A store in which authentication was never enabled.</summary>
    public static readonly SnapshotAuth None = new(false, 1, [], []);

    /// <summary>Whether there is anything to import.</summary>
    public bool IsUsed => IsEnabled || Users.Count > 0 || Roles.Count > 0;
}
