using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Console.Visits;

/// <summary>The person at the browser, with the rights of the etcd user.</summary>
/// <param name="caller">As the API would see the user.</param>
/// <param name="token">What the browser shows; empty: nothing.</param>
internal sealed class Visitor(Caller caller, string token)
{
    /// <summary>As the API would see the user.</summary>
    public Caller Caller => caller;

    /// <summary>The token. It never leaves the cookie.</summary>
    public string Token => token;

    /// <summary>The user; null while auth is off, and before the login.</summary>
    public string? Name => caller.Username;

    /// <summary>Auth is on, and the visitor has not logged in.</summary>
    public bool MustLogIn => caller.CheckUser() is not null;

    /// <summary>Users, roles and the audit may be seen.</summary>
    public bool IsRoot => caller.CheckRoot() is null;

    /// <summary>Whether every key of a range may be read, as a Range of them would decide.</summary>
    public bool MayRead(in KeyRange range) => caller.CheckRead(range) is null;

    /// <summary>Whether a key may be written.</summary>
    public bool MayWrite(byte[] key) => Access.CheckWriteOf(caller, [key]) is null;

    /// <summary>The ranges of keys that the user's roles let it read.</summary>
    public IEnumerable<KeyRange> ReadableRanges =>
        from role in Name is { } name && caller.State.User(name) is { } user ? user.Record.Roles : []
        let record = caller.State.Role(role)
        where record is not null
        from permission in record.Permissions
        where permission.Kind is 0 or 2
        select new KeyRange(permission.Key, permission.RangeEnd);
}

/// <summary>The visitor may not see this.</summary>
internal sealed class DeniedException() : Exception("permission denied");
