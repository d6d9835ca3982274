namespace PgEtcd.Postgres.Auth;

/// <summary>Users, roles and permissions at one auth revision; also the content of an import or export.</summary>
public sealed record AuthRecords
{
    /// <summary>Counts every change; appends are conditional on it.</summary>
    public long Revision { get; init; } = 1;

    /// <summary>etcd's auth revision, which AuthStatus shows and JSON web tokens carry.</summary>
    public long ShownRevision { get; init; } = 1;

    /// <summary>Whether auth is on.</summary>
    public bool IsEnabled { get; init; }

    /// <summary>Simple tokens that were issued at an earlier <see cref="Revision"/> are invalid.</summary>
    public long TokensSince { get; init; } = 1;

    /// <summary>The users, in no order.</summary>
    public IReadOnlyList<UserRecord> Users { get; init; } = [];

    /// <summary>The roles that exist as records, in no order.</summary>
    public IReadOnlyList<RoleRecord> Roles { get; init; } = [];
}

/// <summary>A user.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Password">The hash: bytes of a bcrypt string, as in etcd's own store. Empty: no password matches.</param>
/// <param name="HasNoPassword">The user authenticates by client certificate only.</param>
/// <param name="Roles">Names, also of roles that have no record.</param>
/// <param name="TokensSince">Simple tokens of this user that were issued at an earlier auth revision are invalid.</param>
public sealed record UserRecord(string Name, byte[] Password, bool HasNoPassword, IReadOnlyList<string> Roles, long TokensSince = 1);

/// <summary>A role.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Permissions">In the order in which they were granted.</param>
public sealed record RoleRecord(string Name, IReadOnlyList<PermissionRecord> Permissions);

/// <summary>The right to read or write a key or a range, by etcd's conventions for range_end.</summary>
/// <param name="Kind">authpb.Permission.Type as received; only 0, 1 and 2 have a meaning.</param>
/// <param name="Key">First key.</param>
/// <param name="RangeEnd">Empty: the key alone; one zero byte: everything from the key on.</param>
public sealed record PermissionRecord(int Kind, byte[] Key, byte[] RangeEnd);
