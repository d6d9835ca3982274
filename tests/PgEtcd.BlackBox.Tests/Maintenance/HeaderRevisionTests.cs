using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>The header of a call that queries tables beside the log is no older than a write that another frontend acknowledged before
/// the call (fault C15).</summary>
public sealed class HeaderRevisionTests(TwoFrontends pair) : IClassFixture<TwoFrontends>
{
    private const long Lease = 15;
    private const int Tries = 40;

    /// <summary>The calls by name; each returns the header of its answer.</summary>
    private static readonly Dictionary<string, Func<Kv, Task<ResponseHeader>>> Calls = new()
    {
        ["LeaseGrant"] = async kv =>
            (await CallAsync<LeaseGrantRequest, LeaseGrantResponse>(kv, "Lease/LeaseGrant", new LeaseGrantRequest { TTL = 600 })).Header,
        ["LeaseTimeToLive"] = async kv => (await kv.Channel.TimeToLiveAsync(Lease)).Header,
        ["LeaseLeases"] = async kv =>
            (await CallAsync<LeaseLeasesRequest, LeaseLeasesResponse>(kv, "Lease/LeaseLeases", new LeaseLeasesRequest())).Header,
        ["LeaseRevoke"] = async kv => (await kv.Channel.RevokeAsync(await kv.Channel.GrantAsync(600))).Header,
        ["LeaseKeepAlive"] = async kv =>
        {
            await using GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = kv.Channel.KeepAlive();
            return (await stream.AskAsync(Lease)).Header;
        },
        ["LeaseKeepAlive of none"] = async kv =>
        {
            await using GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = kv.Channel.KeepAlive();
            return (await stream.AskAsync(404)).Header;
        },
        ["Alarm GET"] = async kv => (await CallAsync<AlarmRequest, AlarmResponse>(kv, "Maintenance/Alarm", new AlarmRequest())).Header,
        ["Alarm ACTIVATE nothing"] = async kv => (await CallAsync<AlarmRequest, AlarmResponse>(
            kv, "Maintenance/Alarm", new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate })).Header,
        ["Alarm DEACTIVATE"] = async kv => (await CallAsync<AlarmRequest, AlarmResponse>(
            kv, "Maintenance/Alarm", new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, MemberID = 404 })).Header,
        ["Status"] = async kv => (await kv.StatusAsync()).Header,
        ["Hash"] = async kv => (await kv.HashAsync()).Header,
        ["HashKV"] = async kv => (await kv.HashKVAsync()).Header,
        ["Downgrade VALIDATE"] = async kv => (await kv.DowngradeAsync(DowngradeRequest.Types.DowngradeAction.Validate, "3.5")).Header,
        ["Downgrade CANCEL"] = async kv => (await kv.DowngradeAsync(DowngradeRequest.Types.DowngradeAction.Cancel)).Header,
        ["AuthStatus"] = async kv =>
            (await CallAsync<AuthStatusRequest, AuthStatusResponse>(kv, "Auth/AuthStatus", new AuthStatusRequest())).Header,
        ["UserAdd"] = async kv => (await CallAsync<AuthUserAddRequest, AuthUserAddResponse>(
            kv, "Auth/UserAdd",
            new AuthUserAddRequest { Name = Unique(), Options = new Protocol.Authpb.UserAddOptions { NoPassword = true } })).Header,
        ["UserList"] = async kv =>
            (await CallAsync<AuthUserListRequest, AuthUserListResponse>(kv, "Auth/UserList", new AuthUserListRequest())).Header,
        ["RoleAdd"] = async kv => (await CallAsync<AuthRoleAddRequest, AuthRoleAddResponse>(
            kv, "Auth/RoleAdd", new AuthRoleAddRequest { Name = Unique() })).Header,
        ["RoleList"] = async kv =>
            (await CallAsync<AuthRoleListRequest, AuthRoleListResponse>(kv, "Auth/RoleList", new AuthRoleListRequest())).Header,
        ["Compact"] = async kv => (await kv.CompactAsync(await kv.RevisionAsync())).Header,
    };

    public static TheoryData<string> Names => [.. Calls.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_header_is_no_older_than_a_write_acknowledged_by_another_frontend(string name)
    {
        // The first case grants the lease, and the others use it.
        if (await Record.ExceptionAsync(() => pair.One.Channel.GrantAsync(600, Lease)) is { } refused)
        {
            refused.ShouldBeOfType<RpcException>().Status.ShouldBe(EtcdErrors.LeaseExist.Status);
        }

        int old = 0;
        for (int i = 0; i < Tries; i++)
        {
            (Kv writer, Kv asked) = i % 2 == 0 ? (pair.One, pair.Two) : (pair.Two, pair.One);
            long acknowledged = await writer.PutAsync("header");
            old += (await Calls[name](asked)).Revision < acknowledged ? 1 : 0;
        }

        old.ShouldBe(0, $"old headers among {Tries}");
    }

    private static string Unique() => Guid.NewGuid().ToString("N");

    private static Task<TResponse> CallAsync<TRequest, TResponse>(Kv kv, string method, TRequest request)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>, new() =>
        kv.Channel.UnaryAsync<TRequest, TResponse>($"etcdserverpb.{method}", request);
}
