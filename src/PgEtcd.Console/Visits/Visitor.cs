using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Console.Visits;

/// <summary>The person at the browser, with the rights of the etcd user.</summary>
/// <param name="caller">The user as the API sees it.</param>
/// <param name="token">The token in the cookie; empty without one.</param>
internal sealed class Visitor(Caller caller, string token)
{
    /// <summary>The user as the API sees it.</summary>
    public Caller Caller => caller;

    /// <summary>The token. No page ever contains it.</summary>
    public string Token => token;

    /// <summary>The name of the user; null while auth is off, and before the login.</summary>
    public string? Name => caller.Username;

    /// <summary>Whether auth is on and the visitor has not logged in.</summary>
    public bool MustLogIn => caller.CheckUser() is not null;

    /// <summary>Whether the visitor may see users, roles and the audit.</summary>
    public bool IsRoot => caller.CheckRoot() is null;

    /// <summary>Whether the visitor may read all keys of a range, by the rules of a Range request.</summary>
    public bool MayRead(in KeyRange range) => caller.CheckRead(range) is null;

    /// <summary>Whether the visitor may write a key.</summary>
    public bool MayWrite(byte[] key) => Access.CheckWriteOf(caller, [key]) is null;

    /// <summary>The ranges of keys that the user's roles permit to read.</summary>
    public IEnumerable<KeyRange> ReadableRanges =>
        from role in Name is { } name && caller.State.User(name) is { } user ? user.Record.Roles : []
        let record = caller.State.Role(role)
        where record is not null
        from permission in record.Permissions
        where permission.Kind is 0 or 2
        select new KeyRange(permission.Key, permission.RangeEnd);
}

/// <summary>The visitor lacks a permission.</summary>
internal sealed class DeniedException() : Exception("permission denied");
