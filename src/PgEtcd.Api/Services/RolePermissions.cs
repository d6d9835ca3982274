using Google.Protobuf;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol.Authpb;

namespace PgEtcd.Api.Services;

/// <summary>A role's permissions as RoleGet shows them.</summary>
internal static class RolePermissions
{
    /// <summary>Sorted by key, and for one key in the order of the grants. The role root shows its implied permission for all
    /// keys.</summary>
    public static IEnumerable<Permission> Of(RoleRecord role) => role.Name == AuthState.Root
        ? [new Permission { PermType = Permission.Types.Type.Readwrite, RangeEnd = ByteString.CopyFrom(0) }]
        : role.Permissions
            .OrderBy(permission => permission.Key, Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right)))
            .Select(permission => new Permission
            {
                PermType = (Permission.Types.Type)permission.Kind,
                Key = ByteString.CopyFrom(permission.Key),
                RangeEnd = ByteString.CopyFrom(permission.RangeEnd),
            });
}
