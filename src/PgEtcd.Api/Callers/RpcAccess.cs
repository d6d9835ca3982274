using System.Collections.Frozen;

namespace PgEtcd.Api.Callers;

/// <summary>The callers that a method admits while auth is on.</summary>
internal enum RpcAccess
{
    /// <summary>Users with the role root. Also applies to methods that are missing from the table.</summary>
    Root,

    /// <summary>Any user.</summary>
    User,

    /// <summary>Decided by the service, because it depends on the keys or the request.</summary>
    InService,

    /// <summary>Every client.</summary>
    Anybody,
}

/// <summary>The access of each method: the table of semantics.md §11.</summary>
internal static class RpcAccessTable
{
    private static readonly FrozenDictionary<string, RpcAccess> Table = Entries().ToFrozenDictionary();

    /// <summary>The access of a method.</summary>
    /// <param name="method">Its path.</param>
    public static RpcAccess Of(string method) => Table.GetValueOrDefault(method);

    /// <summary>Whether the table has a method.</summary>
    public static bool Has(string method) => Table.ContainsKey(method);

    private static IEnumerable<KeyValuePair<string, RpcAccess>> Entries() =>
    [
        // Keys: checked where KvService, WatchService and LeaseService evaluate the request.
        .. Of("etcdserverpb.KV", RpcAccess.InService, "Range", "RangeStream", "Put", "DeleteRange", "Txn"),
        .. Of("etcdserverpb.KV", RpcAccess.Root, "Compact"),
        .. Of("etcdserverpb.Watch", RpcAccess.InService, "Watch"),
        .. Of("etcdserverpb.Lease", RpcAccess.InService, "LeaseGrant", "LeaseRevoke", "LeaseKeepAlive", "LeaseTimeToLive", "LeaseLeases"),
        // These call the services above for the caller.
        .. Of("v3lockpb.Lock", RpcAccess.InService, "Lock", "Unlock"),
        .. Of("v3electionpb.Election", RpcAccess.InService, "Campaign", "Proclaim", "Leader", "Observe", "Resign"),

        .. Of("etcdserverpb.Cluster", RpcAccess.User, "MemberList"),
        .. Of("etcdserverpb.Cluster", RpcAccess.Root, "MemberAdd", "MemberRemove", "MemberUpdate", "MemberPromote"),
        // Any user may list alarms, see AuthGuard.
        .. Of("etcdserverpb.Maintenance", RpcAccess.User, "Status"),
        .. Of("etcdserverpb.Maintenance", RpcAccess.Root, "Alarm", "Defragment", "Hash", "HashKV", "Snapshot", "MoveLeader", "Downgrade"),

        .. Of("etcdserverpb.Auth", RpcAccess.Anybody, "Authenticate"),
        // Users may read their own entry.
        .. Of("etcdserverpb.Auth", RpcAccess.InService, "UserGet", "RoleGet"),
        .. Of(
            "etcdserverpb.Auth", RpcAccess.Root, "AuthEnable", "AuthDisable", "AuthStatus", "UserAdd", "UserList", "UserDelete",
            "UserChangePassword"),
        .. Of("etcdserverpb.Auth", RpcAccess.Root, "UserGrantRole", "UserRevokeRole", "RoleAdd", "RoleList", "RoleDelete"),
        .. Of("etcdserverpb.Auth", RpcAccess.Root, "RoleGrantPermission", "RoleRevokePermission"),

        // Health and reflection are public.
        .. Of("grpc.health.v1.Health", RpcAccess.Anybody, "Check", "List", "Watch"),
        .. Of("grpc.reflection.v1.ServerReflection", RpcAccess.Anybody, "ServerReflectionInfo"),
        .. Of("grpc.reflection.v1alpha.ServerReflection", RpcAccess.Anybody, "ServerReflectionInfo"),
    ];

    private static IEnumerable<KeyValuePair<string, RpcAccess>> Of(string service, RpcAccess access, params string[] methods) =>
        methods.Select(method => KeyValuePair.Create($"/{service}/{method}", access));
}
