using System.Collections.Frozen;

namespace PgEtcd.Api.Callers;

/// <summary>Who may call a method while auth is on.</summary>
internal enum RpcAccess
{
    /// <summary>Users with the role root. Also of every method that is not in the table: what is forgotten is closed.</summary>
    Root,

    /// <summary>Any user.</summary>
    User,

    /// <summary>The service itself asks: it depends on keys, or on what is asked for.</summary>
    InService,

    /// <summary>Anybody.</summary>
    Anybody,
}

/// <summary>Who may call which method: the table of semantics.md §11.</summary>
internal static class RpcAccessTable
{
    private static readonly FrozenDictionary<string, RpcAccess> Table = Entries().ToFrozenDictionary();

    /// <summary>Of a method.</summary>
    /// <param name="method">Its path.</param>
    public static RpcAccess Of(string method) => Table.GetValueOrDefault(method);

    /// <summary>Whether the table speaks of a method.</summary>
    public static bool Has(string method) => Table.ContainsKey(method);

    private static IEnumerable<KeyValuePair<string, RpcAccess>> Entries() =>
    [
        // Keys: KvService, WatchService and LeaseService ask where they evaluate.
        .. Of("etcdserverpb.KV", RpcAccess.InService, "Range", "RangeStream", "Put", "DeleteRange", "Txn"),
        .. Of("etcdserverpb.KV", RpcAccess.Root, "Compact"),
        .. Of("etcdserverpb.Watch", RpcAccess.InService, "Watch"),
        .. Of("etcdserverpb.Lease", RpcAccess.InService, "LeaseGrant", "LeaseRevoke", "LeaseKeepAlive", "LeaseTimeToLive", "LeaseLeases"),
        // Made of calls to those, in the name of the caller.
        .. Of("v3lockpb.Lock", RpcAccess.InService, "Lock", "Unlock"),
        .. Of("v3electionpb.Election", RpcAccess.InService, "Campaign", "Proclaim", "Leader", "Observe", "Resign"),

        .. Of("etcdserverpb.Cluster", RpcAccess.User, "MemberList"),
        .. Of("etcdserverpb.Cluster", RpcAccess.Root, "MemberAdd", "MemberRemove", "MemberUpdate", "MemberPromote"),
        // Alarm: reading them is for any user, see AuthGuard.
        .. Of("etcdserverpb.Maintenance", RpcAccess.User, "Status"),
        .. Of("etcdserverpb.Maintenance", RpcAccess.Root, "Alarm", "Defragment", "Hash", "HashKV", "Snapshot", "MoveLeader", "Downgrade"),

        .. Of("etcdserverpb.Auth", RpcAccess.Anybody, "Authenticate"),
        // AuthStatus is for all; users may ask about themselves.
        .. Of("etcdserverpb.Auth", RpcAccess.InService, "AuthStatus", "UserGet", "RoleGet"),
        .. Of("etcdserverpb.Auth", RpcAccess.Root, "AuthEnable", "AuthDisable", "UserAdd", "UserList", "UserDelete", "UserChangePassword"),
        .. Of("etcdserverpb.Auth", RpcAccess.Root, "UserGrantRole", "UserRevokeRole", "RoleAdd", "RoleList", "RoleDelete"),
        .. Of("etcdserverpb.Auth", RpcAccess.Root, "RoleGrantPermission", "RoleRevokePermission"),

        // Whether the server is well and what it speaks is no secret.
        .. Of("grpc.health.v1.Health", RpcAccess.Anybody, "Check", "List", "Watch"),
        .. Of("grpc.reflection.v1.ServerReflection", RpcAccess.Anybody, "ServerReflectionInfo"),
        .. Of("grpc.reflection.v1alpha.ServerReflection", RpcAccess.Anybody, "ServerReflectionInfo"),
    ];

    private static IEnumerable<KeyValuePair<string, RpcAccess>> Of(string service, RpcAccess access, params string[] methods) =>
        methods.Select(method => KeyValuePair.Create($"/{service}/{method}", access));
}
