using PgEtcd.Protocol.Etcdserverpb;
using static PgEtcd.Protocol.Etcdserverpb.AlarmRequest.Types;
using static PgEtcd.Protocol.Etcdserverpb.DowngradeRequest.Types;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>Maintenance and Cluster requests in the form of these tests.</summary>
internal static class Operator
{
    public static Task<StatusResponse> StatusAsync(this Kv kv) =>
        kv.Channel.UnaryAsync<StatusRequest, StatusResponse>("etcdserverpb.Maintenance/Status", new StatusRequest());

    public static async Task<AlarmMember[]> AlarmAsync(
        this Kv kv, AlarmAction action, AlarmType alarm = AlarmType.None, ulong member = 0) =>
        [.. (await kv.Channel.UnaryAsync<AlarmRequest, AlarmResponse>(
            "etcdserverpb.Maintenance/Alarm", new AlarmRequest { Action = action, Alarm = alarm, MemberID = member })).Alarms];

    /// <summary>Lists all alarms and clears each, as etcdctl does.</summary>
    public static async Task DisarmAsync(this Kv kv)
    {
        foreach (AlarmMember alarm in await kv.AlarmAsync(AlarmAction.Get))
        {
            await kv.AlarmAsync(AlarmAction.Deactivate, alarm.Alarm, alarm.MemberID);
        }
    }

    public static Task<DefragmentResponse> DefragmentAsync(this Kv kv) =>
        kv.Channel.UnaryAsync<DefragmentRequest, DefragmentResponse>("etcdserverpb.Maintenance/Defragment", new DefragmentRequest());

    public static Task<HashKVResponse> HashKVAsync(this Kv kv, long revision = 0) =>
        kv.Channel.UnaryAsync<HashKVRequest, HashKVResponse>("etcdserverpb.Maintenance/HashKV", new HashKVRequest { Revision = revision });

    public static Task<HashResponse> HashAsync(this Kv kv) =>
        kv.Channel.UnaryAsync<HashRequest, HashResponse>("etcdserverpb.Maintenance/Hash", new HashRequest());

    public static Task<MoveLeaderResponse> MoveLeaderAsync(this Kv kv, ulong target) =>
        kv.Channel.UnaryAsync<MoveLeaderRequest, MoveLeaderResponse>(
            "etcdserverpb.Maintenance/MoveLeader", new MoveLeaderRequest { TargetID = target });

    public static Task<DowngradeResponse> DowngradeAsync(this Kv kv, DowngradeAction action, string version = "") =>
        kv.Channel.UnaryAsync<DowngradeRequest, DowngradeResponse>(
            "etcdserverpb.Maintenance/Downgrade", new DowngradeRequest { Action = action, Version = version });

    public static Task<MemberListResponse> MembersAsync(this Kv kv) =>
        kv.Channel.UnaryAsync<MemberListRequest, MemberListResponse>(
            "etcdserverpb.Cluster/MemberList", new MemberListRequest { Linearizable = true });

    public static Task<MemberRemoveResponse> RemoveMemberAsync(this Kv kv, ulong id) =>
        kv.Channel.UnaryAsync<MemberRemoveRequest, MemberRemoveResponse>(
            "etcdserverpb.Cluster/MemberRemove", new MemberRemoveRequest { ID = id });
}
