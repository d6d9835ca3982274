using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;

namespace PgEtcd.Console.Pages.Access;

/// <summary>Users, roles and permissions, and the answer to whether a user may read or write a key.</summary>
internal sealed class AccessPage : IPage
{
    public Task<Answer> GetAsync(Visit visit)
    {
        visit.DemandRoot();
        AuthState state = visit.Visitor.Caller.State;
        List<RoleRow> roles =
        [
            .. state.Records.Roles.OrderBy(role => role.Name, StringComparer.Ordinal)
                .Select(role => new RoleRow(role.Name, [.. role.Permissions.Select(Permission)])),
        ];
        if (roles.TrueForAll(role => role.Name != AuthState.Root))
        {
            roles.Insert(0, new RoleRow(AuthState.Root, []));
        }

        return Task.FromResult<Answer>(new PageAnswer("Access", typeof(AccessView), new AccessModel(
            state.IsEnabled,
            [
                .. AuthState.Sorted(state.Users.Keys).Select(name => state.Users[name].Record)
                    .Select(user => new UserRow(user.Name, [.. user.Roles], user.HasNoPassword)),
            ],
            roles,
            visit.Text("user") is { } user && visit.Bytes("key") is { } key ? Decide(state, user, key) : null)));
    }

    private static Verdict Decide(AuthState state, string user, byte[] key)
    {
        AuthUser? found = state.User(user);
        return new Verdict(user, key, found is not null, By(read: true), By(read: false));

        List<string> By(bool read) => found is null ? [] :
        [
            .. found.Record.Roles.Where(role => role == AuthState.Root || (state.Role(role)?.Permissions.Any(permission =>
                (permission.Kind == 2 || permission.Kind == (read ? 0 : 1))
                    && new KeyRange(permission.Key, permission.RangeEnd).Contains(key)) ?? false)),
        ];
    }

    private static PermissionRow Permission(PermissionRecord permission)
    {
        KeyRange range = new(permission.Key, permission.RangeEnd);
        bool isPrefix = !range.IsSingleKey
            && (range.IsOpenEnded ? permission.Key is [] or [0] : permission.RangeEnd.AsSpan().SequenceEqual(Ranges.End(permission.Key)));
        return new PermissionRow(
            permission.Kind is 0 or 2, permission.Kind is 1 or 2, permission.Key is [0] && range.IsOpenEnded ? [] : permission.Key,
            range.IsSingleKey || isPrefix ? null : range.IsOpenEnded ? [] : permission.RangeEnd, range.IsSingleKey);
    }
}

/// <summary>The model of the access page.</summary>
/// <param name="IsEnabled">Whether authentication is on.</param>
/// <param name="Verdict">The result of a check; null if none was requested.</param>
public sealed record AccessModel(bool IsEnabled, IReadOnlyList<UserRow> Users, IReadOnlyList<RoleRow> Roles, Verdict? Verdict);

/// <summary>A user.</summary>
public sealed record UserRow(string Name, IReadOnlyList<string> Roles, bool HasNoPassword);

/// <summary>A role.</summary>
public sealed record RoleRow(string Name, IReadOnlyList<PermissionRow> Permissions);

/// <summary>A permission.</summary>
/// <param name="End">The exclusive end, empty for the end of the store; null for a key or a prefix.</param>
public sealed record PermissionRow(bool IsRead, bool IsWrite, byte[] Key, byte[]? End, bool IsKey);

/// <summary>Whether a user may read and write a key, and by which roles.</summary>
public sealed record Verdict(string User, byte[] Key, bool IsKnown, IReadOnlyList<string> ReadBy, IReadOnlyList<string> WriteBy);
