using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.BlackBox.Tests.Leases;

/// <summary>Lease requests as these tests write them.</summary>
internal static class LeaseClient
{
    public static async Task<long> GrantAsync(this GrpcChannel channel, long ttl, long id = 0) =>
        (await channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>(
            "etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = ttl, ID = id })).ID;

    public static Task<LeaseRevokeResponse> RevokeAsync(this GrpcChannel channel, long id) =>
        channel.UnaryAsync<LeaseRevokeRequest, LeaseRevokeResponse>("etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = id });

    public static Task<LeaseTimeToLiveResponse> TimeToLiveAsync(this GrpcChannel channel, long id) =>
        channel.UnaryAsync<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(
            "etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = id, Keys = true });

    public static async Task<long[]> LeasesAsync(this GrpcChannel channel) =>
        [.. (await channel.UnaryAsync<LeaseLeasesRequest, LeaseLeasesResponse>("etcdserverpb.Lease/LeaseLeases", new LeaseLeasesRequest()))
            .Leases.Select(lease => lease.ID)];

    public static GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> KeepAlive(this GrpcChannel channel) =>
        channel.Duplex<LeaseKeepAliveRequest, LeaseKeepAliveResponse>("etcdserverpb.Lease/LeaseKeepAlive");

    /// <summary>Sends one keep-alive and waits for its answer.</summary>
    public static async Task<LeaseKeepAliveResponse> AskAsync(
        this GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream, long id, CancellationToken cancellationToken = default)
    {
        await stream.WriteAsync(new LeaseKeepAliveRequest { ID = id }, cancellationToken);
        return await stream.ReadAsync(cancellationToken);
    }
}
