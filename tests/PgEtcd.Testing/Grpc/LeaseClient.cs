using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Testing.Grpc;

/// <summary>Lease requests in the form of tests.</summary>
public static class LeaseClient
{
    /// <summary>Grants a lease and returns its id.</summary>
    public static async Task<long> GrantAsync(this GrpcChannel channel, long ttl, long id = 0) =>
        (await channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>(
            "etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = ttl, ID = id }).ConfigureAwait(false)).ID;

    /// <summary>Revokes a lease.</summary>
    public static Task<LeaseRevokeResponse> RevokeAsync(this GrpcChannel channel, long id) =>
        channel.UnaryAsync<LeaseRevokeRequest, LeaseRevokeResponse>("etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = id });

    /// <summary>Gets the remaining time of a lease, and its keys.</summary>
    public static Task<LeaseTimeToLiveResponse> TimeToLiveAsync(this GrpcChannel channel, long id) =>
        channel.UnaryAsync<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(
            "etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = id, Keys = true });

    /// <summary>The ids of all leases.</summary>
    public static async Task<long[]> LeasesAsync(this GrpcChannel channel)
    {
        LeaseLeasesResponse response = await channel.UnaryAsync<LeaseLeasesRequest, LeaseLeasesResponse>(
            "etcdserverpb.Lease/LeaseLeases", new LeaseLeasesRequest()).ConfigureAwait(false);
        return [.. response.Leases.Select(lease => lease.ID)];
    }

    /// <summary>Opens a stream of keep-alives.</summary>
    public static GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> KeepAlive(this GrpcChannel channel) =>
        channel.Duplex<LeaseKeepAliveRequest, LeaseKeepAliveResponse>("etcdserverpb.Lease/LeaseKeepAlive");

    /// <summary>Sends one keep-alive and waits for its answer.</summary>
    public static async Task<LeaseKeepAliveResponse> AskAsync(
        this GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream, long id, CancellationToken cancellationToken = default)
    {
        await stream.WriteAsync(new LeaseKeepAliveRequest { ID = id }, cancellationToken).ConfigureAwait(false);
        return await stream.ReadAsync(cancellationToken).ConfigureAwait(false);
    }
}
