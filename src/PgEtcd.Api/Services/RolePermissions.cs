using Google.Protobuf;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol.Authpb;

namespace PgEtcd.Api.Services;

/// <summary>A role's permissions as RoleGet shows them.</summary>
internal static class RolePermissions
{
    /// <summary>By key; those of one key as they were granted. The role root shows the one it stands for.</summary>
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
