using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Ranges;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Permissions;

/// <summary>The caller of a request, as known at one auth revision, with its permissions. Immutable.</summary>
/// <param name="state">The state at which the caller was identified; null for <see cref="Server"/>.</param>
/// <param name="username">The user; null if the request carries no credentials.</param>
/// <param name="tokenRevision">etcd's auth revision in the credentials; the largest number if changes do not invalidate them.</param>
public sealed class Caller(AuthState? state, string? username, long tokenRevision)
{
    private readonly AuthUser? _user = username is null ? null : state?.User(username);

    /// <summary>The server itself: its jobs may do everything.</summary>
    public static Caller Server { get; } = new(null, null, long.MaxValue);

    /// <summary>The user; null without one, or while auth is off.</summary>
    public string? Username => username;

    /// <summary>The auth revision at which the caller was identified; not for <see cref="Server"/>.</summary>
    internal long Revision => State.Revision;

    /// <summary>Users, roles and permissions at that revision.</summary>
    public AuthState State => state!;

    /// <summary>Whether there is anything to check.</summary>
    public bool IsChecked => state is { IsEnabled: true };

    /// <summary>Whether the request can be decided at an auth revision: only at the one at which it was admitted.</summary>
    internal bool IsOf(long authRevision) => state is null || state.Revision == authRevision;

    /// <summary>Refuses a caller that is not a user; null if it is one. A web token or certificate may name an unknown user.</summary>
    public EtcdError? CheckUser() => !IsChecked || _user is not null ? null
        : Username is null ? EtcdErrors.UserEmpty
        : EtcdErrors.UserNotFound;

    /// <summary>Refuses a caller that may not administer; null if it may.</summary>
    public EtcdError? CheckRoot() => !IsChecked || _user is { IsRoot: true } ? null
        : _user is null ? CheckUser()
        : EtcdErrors.PermissionDenied;

    public bool HasRole(string role) => _user?.Record.Roles.Contains(role) == true;

    public EtcdError? CheckRead(in KeyRange range) => Check(range, static user => user.Readable);

    internal EtcdError? CheckWrite(in KeyRange range) => Check(range, static user => user.Writable);

    private EtcdError? Check(in KeyRange range, Func<AuthUser, IntervalSet> granted) => !IsChecked ? null
        : Username is null ? EtcdErrors.UserEmpty
        : tokenRevision < State.ShownRevision ? EtcdErrors.AuthOldRevision
        : _user is { } user && (user.IsRoot || granted(user).Covers(range)) ? null
        : EtcdErrors.PermissionDenied;
}
