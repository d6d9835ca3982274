using Google.Protobuf;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol.Authpb;
using PgEtcd.Snapshots;
using PgEtcd.Snapshots.Bbolt;

namespace PgEtcd.Frontend.Snapshots;

/// <summary>Converts users and roles between etcd's snapshots and the database's records.</summary>
public static class AuthRecordsInSnapshots
{
    /// <summary>Converts to a snapshot's records. Roles and permissions are in etcd's order, for its binary search.</summary>
    public static SnapshotAuth ToSnapshot(this AuthRecords records) => new(
        records.IsEnabled,
        records.ShownRevision,
        [.. records.Users.Select(user => Entry(user.Name, new User
        {
            Name = ByteString.CopyFromUtf8(user.Name),
            Password = ByteString.CopyFrom(user.Password),
            Roles = { user.Roles.Order(StringComparer.Ordinal) },
            Options = new UserAddOptions { NoPassword = user.HasNoPassword },
        }))],
        [.. records.Roles.Select(role => Entry(role.Name, new Role
        {
            Name = ByteString.CopyFromUtf8(role.Name),
            KeyPermission =
            {
                role.Permissions
                    .OrderBy(permission => permission.Key, BytesComparer.Instance)
                    .Select(permission => new Permission
                    {
                        PermType = (Permission.Types.Type)permission.Kind,
                        Key = ByteString.CopyFrom(permission.Key),
                        RangeEnd = ByteString.CopyFrom(permission.RangeEnd),
                    }),
            },
        }))]);

    /// <summary>Converts from a snapshot's records.</summary>
    /// <exception cref="SnapshotException">A record cannot be read.</exception>
    public static AuthRecords ToRecords(this SnapshotAuth auth)
    {
        try
        {
            return new AuthRecords
            {
                IsEnabled = auth.IsEnabled,
                ShownRevision = auth.Revision,
                Users = [.. auth.Users.Select(entry => ToRecord(User.Parser.ParseFrom(entry.Record.Span)))],
                Roles = [.. auth.Roles.Select(entry => ToRecord(Role.Parser.ParseFrom(entry.Record.Span)))],
            };
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new SnapshotException("One of the file's users or roles makes no sense.", exception);
        }
    }

    private static (ReadOnlyMemory<byte>, ReadOnlyMemory<byte>) Entry(string name, IMessage record) =>
        (ByteString.CopyFromUtf8(name).Memory, record.ToByteArray());

    private static UserRecord ToRecord(User user) =>
        new(user.Name.ToStringUtf8(), user.Password.ToByteArray(), user.Options?.NoPassword ?? false, [.. user.Roles]);

    private static RoleRecord ToRecord(Role role) => new(
        role.Name.ToStringUtf8(),
        [.. role.KeyPermission.Select(permission => new PermissionRecord(
            (int)permission.PermType, permission.Key.ToByteArray(), permission.RangeEnd.ToByteArray()))]);
}
