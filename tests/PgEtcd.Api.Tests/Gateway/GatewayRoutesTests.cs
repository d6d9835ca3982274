using Google.Protobuf.Reflection;
using PgEtcd.Api.Gateway;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Gateway;

public class GatewayRoutesTests
{
    /// <summary>wire.md §1: every rpc that etcd serves in JSON, with its path.</summary>
    private const string Expected = """
        KV/Range /v3/kv/range
        KV/Put /v3/kv/put
        KV/DeleteRange /v3/kv/deleterange
        KV/Txn /v3/kv/txn
        KV/Compact /v3/kv/compaction
        Watch/Watch /v3/watch
        Lease/LeaseGrant /v3/lease/grant
        Lease/LeaseRevoke /v3/lease/revoke
        Lease/LeaseRevoke /v3/kv/lease/revoke
        Lease/LeaseKeepAlive /v3/lease/keepalive
        Lease/LeaseTimeToLive /v3/lease/timetolive
        Lease/LeaseTimeToLive /v3/kv/lease/timetolive
        Lease/LeaseLeases /v3/lease/leases
        Lease/LeaseLeases /v3/kv/lease/leases
        Cluster/MemberAdd /v3/cluster/member/add
        Cluster/MemberRemove /v3/cluster/member/remove
        Cluster/MemberUpdate /v3/cluster/member/update
        Cluster/MemberList /v3/cluster/member/list
        Cluster/MemberPromote /v3/cluster/member/promote
        Maintenance/Alarm /v3/maintenance/alarm
        Maintenance/Status /v3/maintenance/status
        Maintenance/Defragment /v3/maintenance/defragment
        Maintenance/Hash /v3/maintenance/hash
        Maintenance/HashKV /v3/maintenance/hashkv
        Maintenance/Snapshot /v3/maintenance/snapshot
        Maintenance/MoveLeader /v3/maintenance/transfer-leadership
        Maintenance/Downgrade /v3/maintenance/downgrade
        Auth/AuthEnable /v3/auth/enable
        Auth/AuthDisable /v3/auth/disable
        Auth/AuthStatus /v3/auth/status
        Auth/Authenticate /v3/auth/authenticate
        Auth/UserAdd /v3/auth/user/add
        Auth/UserGet /v3/auth/user/get
        Auth/UserList /v3/auth/user/list
        Auth/UserDelete /v3/auth/user/delete
        Auth/UserChangePassword /v3/auth/user/changepw
        Auth/UserGrantRole /v3/auth/user/grant
        Auth/UserRevokeRole /v3/auth/user/revoke
        Auth/RoleAdd /v3/auth/role/add
        Auth/RoleGet /v3/auth/role/get
        Auth/RoleList /v3/auth/role/list
        Auth/RoleDelete /v3/auth/role/delete
        Auth/RoleGrantPermission /v3/auth/role/grant
        Auth/RoleRevokePermission /v3/auth/role/revoke
        Lock/Lock /v3/lock/lock
        Lock/Unlock /v3/lock/unlock
        Election/Campaign /v3/election/campaign
        Election/Proclaim /v3/election/proclaim
        Election/Leader /v3/election/leader
        Election/Observe /v3/election/observe
        Election/Resign /v3/election/resign
        """;

    [Fact]
    public void The_routes_are_exactly_those_of_etcd()
    {
        IEnumerable<string> routes = GatewayRoutes.ByPath.Select(route => $"{route.Value.Service.Name}/{route.Value.Name} {route.Key}");
        routes.ShouldBe(Expected.Split('\n'), ignoreOrder: true);
    }

    [Fact]
    public void Only_the_streamed_range_has_no_route()
    {
        IEnumerable<MethodDescriptor> all = new[] { RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor }
            .SelectMany(file => file.Services).SelectMany(service => service.Methods);
        all.Except(GatewayRoutes.ByPath.Values).ShouldHaveSingleItem().FullName.ShouldBe("etcdserverpb.KV.RangeStream");
    }
}
