using System.Text;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Ranges;
using PgEtcd.Postgres.Auth;

namespace PgEtcd.Frontend.Permissions;

/// <summary>Users, roles and permissions at one auth revision. Immutable; results that are computed are kept.</summary>
public sealed class AuthState
{
    private readonly Dictionary<string, RoleRecord> _roles;

    /// <param name="records">The records of the database.</param>
    public AuthState(AuthRecords records)
    {
        Records = records;
        _roles = records.Roles.ToDictionary(role => role.Name);
        Users = records.Users.ToDictionary(user => user.Name, user => new AuthUser(user, _roles));
        Anybody = new Caller(this, null, long.MaxValue);
    }

    /// <summary>The role that may do everything, and the user that must exist before auth can be enabled.</summary>
    public const string Root = "root";

    /// <summary>No user has been added yet.</summary>
    public static AuthState Empty { get; } = new(new AuthRecords());

    /// <summary>Counts every change.</summary>
    public long Revision => Records.Revision;

    /// <summary>etcd's auth revision.</summary>
    public long ShownRevision => Records.ShownRevision;

    /// <summary>Whether requests are checked.</summary>
    public bool IsEnabled => Records.IsEnabled;

    /// <summary>The records of the database.</summary>
    public AuthRecords Records { get; }

    /// <summary>The users by name.</summary>
    public IReadOnlyDictionary<string, AuthUser> Users { get; }

    /// <summary>A request without credentials.</summary>
    public Caller Anybody { get; }

    /// <summary>The user; null if none has that name.</summary>
    public AuthUser? User(string name) => Users.GetValueOrDefault(name);

    /// <summary>The role; null if no record has that name.</summary>
    public RoleRecord? Role(string name) => _roles.GetValueOrDefault(name);

    /// <summary>Whether a simple token is still valid, apart from its expiry.</summary>
    /// <param name="username">The token's user.</param>
    /// <param name="madeAt">The auth revision at which it was made.</param>
    internal bool Honours(string username, long madeAt) =>
        User(username) is { } user && madeAt >= user.Record.TokensSince && madeAt >= Records.TokensSince;

    /// <summary>Names in etcd's order: by their bytes.</summary>
    public static IEnumerable<string> Sorted(IEnumerable<string> names) =>
        names.OrderBy(Encoding.UTF8.GetBytes, BytesComparer.Instance);
}

/// <summary>A user, with the permissions of its roles.</summary>
/// <param name="record">The user.</param>
/// <param name="roles">All roles, by name.</param>
public sealed class AuthUser(UserRecord record, IReadOnlyDictionary<string, RoleRecord> roles)
{
    private const int Read = 0;
    private const int Write = 1;
    private const int ReadWrite = 2;

    private readonly Lazy<IntervalSet> _readable = new(() => Granted(record, roles, Read));
    private readonly Lazy<IntervalSet> _writable = new(() => Granted(record, roles, Write));

    public UserRecord Record => record;

    /// <summary>Whether the user may do everything.</summary>
    public bool IsRoot { get; } = record.Roles.Contains(AuthState.Root);

    /// <summary>The keys that the user may read. Not for <see cref="IsRoot"/>.</summary>
    public IntervalSet Readable => _readable.Value;

    /// <summary>The keys that the user may write.</summary>
    public IntervalSet Writable => _writable.Value;

    private static IntervalSet Granted(UserRecord user, IReadOnlyDictionary<string, RoleRecord> roles, int kind) => new(
        from name in user.Roles
        where roles.ContainsKey(name)
        from permission in roles[name].Permissions
        where permission.Kind == kind || permission.Kind == ReadWrite
        select new KeyRange(permission.Key, permission.RangeEnd));
}
